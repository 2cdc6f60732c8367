import type { Batch } from '../protocol/batch.js';

/** What the Learner needs of a data loader. Ending the iteration early must free its slots. */
export interface BatchLoader extends AsyncIterable<Batch> {
  /** Batches in one epoch. */
  readonly length: number;
  /** Milliseconds spent waiting for batches since the loader was made; only grows. */
  readonly waitMs?: number;
}

export interface Loaders {
  readonly train: BatchLoader;
  readonly valid: BatchLoader;
}

/** Epoch numbers to go through. */
export interface Epochs extends Iterable<number> {
  readonly length: number;
}
