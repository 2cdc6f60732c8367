import type { Batch } from '../protocol/batch.js';

interface Loader extends AsyncIterable<Batch> {
  readonly length: number;
  readonly waitMs?: number;
}

/** The first `count` batches of each epoch of a loader. */
export function firstBatches(loader: Loader, count: number): Loader {
  return {
    length: Math.min(count, loader.length),
    get waitMs() {
      return loader.waitMs;
    },
    async *[Symbol.asyncIterator]() {
      let left = count;
      for await (const batch of loader) {
        yield batch;
        if (--left === 0) return;
      }
    },
  };
}
