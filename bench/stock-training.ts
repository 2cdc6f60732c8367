/** Images a second of `stock-thread.ts`, each thread with its shard of a batch. */
import { ConfigError } from '../src/errors.js';
import { threadUrl } from '../src/thread-url.js';
import { type Measurement, summarise } from './harness.js';
import type { StockTask } from './stock-thread.js';
import { syntheticBatch } from './synthetic-batch.js';
import { BenchThreads } from './threads.js';

export interface StockSettings {
  readonly threads: number;
  /** All threads together; divided evenly. */
  readonly batch: number;
  readonly runs: number;
}

/** A run is one step; the threads wait for each other, but exchange nothing. */
export async function stockTraining(
  { threads, batch, runs }: StockSettings,
  signal: AbortSignal,
): Promise<Measurement> {
  const { pixels, labels } = syntheticBatch(batch);
  const count = Math.floor(batch / threads);
  if (count === 0) {
    throw new ConfigError(`a stock batch of ${batch} leaves nothing for some of ${threads} threads`, {
      where: '--stock-batch',
      hint: 'use at least as many as --replicas',
    });
  }
  const data = Array.from({ length: threads }, (_, i): StockTask => ({ pixels, labels, offset: i * count }));
  const group = new BenchThreads(threadUrl('./stock-thread', import.meta.url), data, signal);
  try {
    const rates: number[] = [];
    // To compile the code a single image each is enough; a step of the batch would double the wait.
    await group.ask<number>(1);
    for (let run = 0; run < runs; run++) {
      const start = performance.now();
      await group.ask<number>(count);
      rates.push((1000 * count * threads) / (performance.now() - start));
    }
    return summarise(`tfjs, stock cpu backend, batch ${count * threads}`, 'img/s', rates);
  } finally {
    await group.close();
  }
}
