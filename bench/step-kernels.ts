/** Training steps of one replica in a thread of its own, with timers round its kernels. */
import { threadUrl } from '../src/thread-url.js';
import { type Measurement, summarise } from './harness.js';
import type { ProfileTask, StepProfile } from './profile-thread.js';
import type { EngineChoice } from './resnet-training.js';
import { syntheticBatch } from './synthetic-batch.js';
import { BenchThreads } from './threads.js';

const shownKernels = 3;
/** Compiled code and allocated activations take more than one step to settle. */
const warmUps = 3;

/** @param count samples of the shard that is trained */
export async function profileSteps(
  choice: EngineChoice,
  count: number,
  runs: number,
  signal: AbortSignal,
): Promise<StepProfile[]> {
  const task: ProfileTask = { choice, ring: syntheticBatch(count).ring, count };
  const threads = new BenchThreads(threadUrl('./profile-thread', import.meta.url), [task], signal);
  try {
    const profiles: StepProfile[] = [];
    for (let run = -warmUps; run < runs; run++) {
      const [profile] = await threads.ask<StepProfile>('step');
      if (run >= 0) profiles.push(profile);
    }
    return profiles;
  } finally {
    await threads.close();
  }
}

/** The kernels with the largest shares of a step. */
export function costliestKernels(profiles: readonly StepProfile[]): Measurement[] {
  const share = (kernel: string): Measurement => {
    const shares = profiles.map(({ stepMs, kernels }) => {
      return (100 * (kernels.find(time => time.kernel === kernel)?.ms ?? 0)) / stepMs;
    });
    return summarise(`kernel ${kernel}`, '% of a step', shares);
  };
  const names = new Set(profiles.flatMap(({ kernels }) => kernels.map(({ kernel }) => kernel)));
  return [...names]
    .map(share)
    .sort((a, b) => b.median - a.median)
    .slice(0, shownKernels);
}
