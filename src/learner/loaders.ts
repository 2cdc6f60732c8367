import type { Batch } from '../protocol/batch.js';

/** What the Learner needs of a data loader. Ending the iteration early must free its slots. */
export interface BatchLoader extends AsyncIterable<Batch> {
  /** Batches in one epoch. */
  readonly length: number;
  /** Milliseconds that the iteration under way, or the last one, has waited for batches. */
  readonly waitMs?: number;
  /** Epoch that the next iteration serves, from 0. */
  epoch?: number;
  /** Batch that the next iteration begins with, from 0; those before it are not even read. */
  startBatch?: number;
}

export interface Loaders {
  readonly train: BatchLoader;
  readonly valid: BatchLoader;
}

/** Epoch numbers to go through. */
export interface Epochs extends Iterable<number> {
  readonly length: number;
}
