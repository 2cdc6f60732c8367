/** Checks of memory: that steps leave none behind, and what happens when it runs out. */
import { execFileSync } from 'node:child_process';
import { settings as adamW } from '../../bench/resnet-training.js';
import { classes, imageShape, syntheticBatch } from '../../bench/synthetic-batch.js';
import { Coordinator } from '../../src/coordinator/coordinator.js';
import type { Engine } from '../../src/engine/engine.js';
import type { GradringError } from '../../src/errors.js';
import { models } from '../../src/models/catalog.js';
import { openOn } from './open-on.js';
import { isCuda, type Outcome, type Settings } from './settings.js';

/** The allocator and the driver round up; a leak of one activation a step would be far beyond it. */
const allowedMiB = 64;
const bytesInMiB = 2 ** 20;

/** What the whole GPU has in use, or this process. */
function usedMiB(settings: Settings): number {
  if (!isCuda(settings)) return process.memoryUsage.rss() / bytesInMiB;
  const index = settings.device.split(':')[1] ?? '0';
  const query = ['--query-gpu=memory.used', '--format=csv,noheader,nounits', `--id=${index}`];
  return Number(execFileSync('nvidia-smi', query, { encoding: 'utf8' }));
}

export async function memoryCheck(settings: Settings): Promise<Outcome> {
  const { device, quick } = settings;
  const { warmUps, steps, size } = quick
    ? { warmUps: 6, steps: 10, size: 4 }
    : { warmUps: 300, steps: 2000, size: 64 };
  const coordinator = new Coordinator({
    engine: 'torch',
    devices: [device],
    recipe: models.resnet,
    imageShape,
    classes,
    verify: 'off',
  });
  try {
    await coordinator.open();
    await coordinator.setOptimizer({ kind: 'adamw', groups: [coordinator.parameters.map((_, i) => i)] });
    const batches = [syntheticBatch(size), syntheticBatch(size / 2)];
    const run = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) await coordinator.trainBatch(batches[i % batches.length], adamW);
    };
    await run(warmUps);
    const before = { used: usedMiB(settings), ...(await coordinator.memory())[0] };
    await run(steps);
    const after = { used: usedMiB(settings), ...(await coordinator.memory())[0] };
    return growthOf(before, after, steps);
  } finally {
    await coordinator.close();
  }
}

interface Held {
  readonly used: number;
  readonly tensors: number;
  readonly bytes: number;
}

function growthOf(before: Held, after: Held, steps: number): Outcome {
  const grown = after.used - before.used;
  const problems: string[] = [];
  if (after.tensors !== before.tensors) problems.push(`tensors: ${before.tensors}, then ${after.tensors}`);
  if (after.bytes !== before.bytes) problems.push(`bytes in tensors: ${before.bytes}, then ${after.bytes}`);
  if (grown > allowedMiB) problems.push(`memory in use grew by ${grown.toFixed(0)} MiB`);
  const figures = {
    steps,
    tensors: after.tensors,
    'MiB in use before': before.used.toFixed(0),
    'MiB in use after': after.used.toFixed(0),
  };
  return { figures, problems };
}

export async function outOfMemoryCheck(settings: Settings): Promise<Outcome> {
  const engine = await openOn(settings);
  const problems: string[] = [];
  const failure = failureOf(() => engine.tf.fill([2 ** 20, 2 ** 20], 1));
  if (failure?.code !== 'E_OUT_OF_MEMORY') {
    problems.push(`4 TiB at once: ${failure ? `${failure.code}: ${failure.message}` : 'no error'}`);
  }
  if (isCuda(settings)) problems.push(...fillUp(engine));
  const { tf } = engine;
  const sum = tf.tidy(() => tf.sum(tf.relu(tf.tensor1d([-1, 2, 3]))).dataSync()[0]);
  if (sum !== 5) problems.push(`after it, relu and sum give ${sum} instead of 5`);
  const { tensors } = engine.memory();
  if (tensors !== 0) problems.push(`${tensors} tensors were left behind`);
  return { figures: { error: failure?.message.split('\n')[0] ?? 'none' }, problems };
}

/** Takes the GPU's memory piece by piece until there is no more, and gives it back. */
function fillUp({ tf }: Engine): string[] {
  const pieces: { dispose(): void }[] = [];
  const enough = 4096;
  let failure: GradringError | undefined;
  while (!failure && pieces.length < enough) {
    failure = failureOf(() => pieces.push(tf.fill([2 ** 14, 2 ** 14], 1)));
  }
  for (const piece of pieces) piece.dispose();
  if (failure?.code === 'E_OUT_OF_MEMORY') return [];
  return [`after ${pieces.length} GiB: ${failure ? `${failure.code}: ${failure.message}` : 'no error'}`];
}

function failureOf(work: () => unknown): GradringError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error as GradringError;
  }
}
