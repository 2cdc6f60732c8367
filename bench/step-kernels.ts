/** The costliest kernels of our training step, from a replica in a thread of its own. */
import { threadUrl } from '../src/thread-url.js';
import { type Measurement, summarise } from './harness.js';
import type { ProfileTask, StepProfile } from './profile-thread.js';
import { syntheticBatch } from './synthetic-batch.js';
import { BenchThreads } from './threads.js';

const shownKernels = 3;

/** @param count samples of the shard that is trained */
export async function costliestKernels(
  count: number,
  runs: number,
  signal: AbortSignal,
): Promise<Measurement[]> {
  const task: ProfileTask = { ring: syntheticBatch(count).ring, count };
  const threads = new BenchThreads(threadUrl('./profile-thread', import.meta.url), [task], signal);
  try {
    const profiles: StepProfile[] = [];
    for (let run = 0; run <= runs; run++) {
      const [profile] = await threads.ask<StepProfile>('step');
      if (run > 0) profiles.push(profile);
    }
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
  } finally {
    await threads.close();
  }
}
