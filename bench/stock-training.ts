/** Images a second of `stock-thread.ts`, each thread with its shard of a batch. */
import { shardBounds } from '../src/coordinator/shards.js';
import { threadUrl } from '../src/thread-url.js';
import { type Measurement, summarise } from './harness.js';
import type { StockTask } from './stock-thread.js';
import { syntheticBatch } from './synthetic-batch.js';
import { BenchThreads } from './threads.js';

export interface StockSettings {
  readonly threads: number;
  /** All threads together. */
  readonly batch: number;
  readonly runs: number;
}

/** A run is one step; the threads wait for each other, but exchange nothing. */
export async function stockTraining(
  { threads, batch, runs }: StockSettings,
  signal: AbortSignal,
): Promise<Measurement> {
  const { pixels, labels } = syntheticBatch(batch);
  const data = shardBounds(batch, threads).map((shard): StockTask => ({ pixels, labels, ...shard }));
  const group = new BenchThreads(threadUrl('./stock-thread', import.meta.url), data, signal);
  try {
    const rates: number[] = [];
    for (let run = 0; run <= runs; run++) {
      const start = performance.now();
      await group.ask<number>('step');
      if (run > 0) rates.push((1000 * batch) / (performance.now() - start));
    }
    return summarise(`tfjs, stock cpu backend, batch ${batch}`, 'img/s', rates);
  } finally {
    await group.close();
  }
}
