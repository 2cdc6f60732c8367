/** What a training step could reach at most on this processor: its convolutions alone, in oneDNN's fastest ways. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../src/package-root.js';
import { type Measurement, summarise } from './harness.js';

const run = promisify(execFile);

/** The ResNet's on 28 × 28 images: inputs, outputs, kernel, stride, side. */
const layers: readonly (readonly number[])[] = [
  [1, 16, 5, 1, 28],
  [16, 16, 5, 1, 28],
  [1, 16, 1, 1, 28],
  ...[
    [16, 28],
    [32, 14],
    [64, 7],
    [128, 4],
  ].flatMap(([inputs, side]) => [
    [inputs, 2 * inputs, 3, 1, side],
    [2 * inputs, 2 * inputs, 3, 2, side],
    [inputs, 2 * inputs, 1, 1, Math.ceil(side / 2)],
  ]),
];

export interface CeilingTask {
  readonly precision: 'fp32' | 'bf16';
  /** At once, as many as there are replicas, each with its share of the batch and one thread. */
  readonly processes: number;
  readonly batch: number;
  readonly runs: number;
}

/** Seconds of each run, all layers together: enough for each to be at its best some time. */
const runSeconds = 8;

/** Images a second; undefined where there is no compiler or no oneDNN to compile it with. */
export async function convolutionCeiling(
  { precision, processes, batch, runs }: CeilingTask,
  signal: AbortSignal,
): Promise<Measurement | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'gradring-ceiling-'));
  try {
    const program = join(folder, 'convolutions');
    const source = join(packageRoot(), 'bench', 'ceiling', 'convolutions.cc');
    const built = await run('c++', ['-O2', '-std=c++17', '-o', program, source, '-ldnnl'], { signal }).then(
      () => true,
      () => false,
    );
    if (!built) return undefined;
    const share = Math.ceil(batch / processes);
    const args = [precision, String(share), String(runSeconds), ...layers.map(layer => layer.join())];
    const env = { ...process.env, OMP_NUM_THREADS: '1' };
    const rates: number[] = [];
    for (let i = 0; i < runs; i++) {
      const all = await Promise.all(
        Array.from({ length: processes }, () => run(program, args, { signal, env })),
      );
      rates.push(all.reduce((rate, { stdout }) => rate + (1000 * share) / Number(stdout), 0));
    }
    return summarise(`convolutions alone, oneDNN, ${processes} × 1 thread`, 'img/s', rates);
  } finally {
    await rm(folder, { recursive: true });
  }
}
