import type { Batch } from '../protocol/batch.js';

/** What the Learner needs of a data loader. Ending the iteration early must free its slots. */
export interface BatchLoader extends AsyncIterable<Batch> {
  /** Batches in one epoch. */
  readonly length: number;
  /** Milliseconds that the iteration under way, or the last one, has waited for batches. */
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
