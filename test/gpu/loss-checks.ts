/** Checks that compare the losses of two trainings of one task. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runPeer } from '../../bench/peer.js';
import { openData } from '../../src/data/open-dataset.js';
import type { EngineSettings } from '../../src/protocol/engine-settings.js';
import { SharedTask } from '../parity/shared-task.js';
import { isCuda, type Outcome, type Settings } from './settings.js';

/** At this rate float32 determines the losses (see test/parity/pytorch.test.ts). */
const maxLr = 1e-5;
const tolerance = 1e-4;

async function task({ quick }: Settings): Promise<SharedTask> {
  const { train } = await openData('sample');
  return SharedTask.of(train, { steps: quick ? 4 : 50, batch: 32, maxLr });
}

/** Trains on as many replicas of the one device. */
const losses = async (
  shared: SharedTask,
  { device }: Settings,
  replicas = 1,
  engineSettings: Partial<EngineSettings> = {},
): Promise<number[]> => {
  const devices = Array.from({ length: replicas }, () => device);
  return (await shared.train('torch', replicas, { devices, engineSettings, verify: 'step' })).losses;
};

/** The largest relative distance of two curves. */
const apart = (some: readonly number[], others: readonly number[]): number =>
  Math.max(...some.map((loss, step) => Math.abs(loss / others[step] - 1)));

function closeEnough(figures: Readonly<Record<string, number>>): Outcome {
  const problems = Object.entries(figures)
    .filter(([, distance]) => !(distance <= tolerance))
    .map(
      ([name, distance]) => `${name}: losses are ${distance.toExponential(1)} apart, more than ${tolerance}`,
    );
  const shown = Object.entries(figures).map(([name, distance]) => [name, distance.toExponential(2)]);
  return { figures: Object.fromEntries(shown), problems };
}

export async function parityCheck(settings: Settings): Promise<Outcome> {
  const { python } = settings;
  if (!python) return { figures: {}, problems: [], skipped: 'no Python here has PyTorch' };
  const shared = await task(settings);
  const { start, losses: ours } = await shared.train('torch', 1, { devices: [settings.device] });
  const folder = mkdtempSync(join(tmpdir(), 'gradring-parity-'));
  try {
    shared.write(folder, start);
    const peer = async (...args: string[]): Promise<readonly number[]> => {
      const options = { python, signal: new AbortController().signal };
      return ((await runPeer('parity.py', [folder, ...args], options)) as { losses: number[] }).losses;
    };
    const onDevice = await peer('--device', isCuda(settings) ? 'cuda' : 'cpu');
    const exact = await peer('--precision', 'fp64');
    return closeEnough({
      'from PyTorch on this kind of device': apart(ours, onDevice),
      'from PyTorch in float64': apart(ours, exact),
      'PyTorch on this kind of device from float64': apart(onDevice, exact),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Beside as many on the processor, not beside one: each replica's batch norm sees its own share only. */
export async function replicasCheck(settings: Settings): Promise<Outcome> {
  const shared = await task(settings);
  const distance = async (replicas: number): Promise<number> => {
    const onProcessor = await shared.train('torch', replicas);
    return apart(await losses(shared, settings, replicas), onProcessor.losses);
  };
  return closeEnough({
    'two replicas from two on the processor': await distance(2),
    'three replicas from three on the processor': await distance(3),
  });
}

export async function deterministicCheck(settings: Settings): Promise<Outcome> {
  const shared = await task(settings);
  const runs = [1, 2].map(() => () => losses(shared, settings, 2, { deterministic: true }));
  const first = await runs[0]();
  const second = await runs[1]();
  const differing = first.filter((loss, step) => loss !== second[step]).length;
  const problems = differing === 0 ? [] : [`${differing} of ${first.length} losses differ`];
  return { figures: { 'steps compared': first.length, 'losses that differ': differing }, problems };
}

export async function captureCheck(settings: Settings): Promise<Outcome> {
  if (!isCuda(settings)) return { figures: {}, problems: [], skipped: 'only CUDA records graphs' };
  const shared = await task(settings);
  const plain = await losses(shared, settings);
  return closeEnough({
    'recorded from plain': apart(await losses(shared, settings, 1, { cudaGraph: true }), plain),
    'recorded by two replicas from plain': apart(
      await losses(shared, settings, 2, { cudaGraph: true }),
      plain,
    ),
    'plain from plain': apart(await losses(shared, settings), plain),
  });
}
