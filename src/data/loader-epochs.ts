/** What the epochs of a loader are to it, whether its dataset has rows or is a stream. */
import type { SlotRing } from '../protocol/batch.js';
import type { BadSamples } from './bad-samples.js';
import type { PixelCache } from './cache/pixel-cache.js';
import type { DecodePool } from './fill/decode-pool.js';
import type { EpochFill } from './fill/epoch-fill.js';

export interface EpochStart {
  /** From 0. */
  readonly epoch: number;
  /** Batch to begin with; those before it are not decoded. */
  readonly startBatch: number;
  /** What a batch that was begun is called in messages; the first one is 0. */
  readonly nameOf: (batch: number) => string;
}

export interface LoaderEpochs {
  /** Batches an epoch has. @throws LoaderError where nobody knows */
  readonly length: number;
  /** Likewise; undefined where nobody knows. */
  readonly knownLength: number | undefined;
  /** Most samples a batch holds. */
  readonly batchSize: number;
  /** Batches decoded ahead of the one in use. */
  readonly prefetch: number;
  /** Decode threads; 0: the calling thread decodes. */
  readonly workers: number;
  /** The threads in use, once there are any. */
  readonly pool: DecodePool | undefined;
  /** Where decoded images are kept, if they are. */
  readonly cache?: PixelCache;
  /** Samples left out, where that is asked for. */
  readonly badSamples?: BadSamples;
  begin(start: EpochStart & { readonly slots: SlotRing }): EpochFill;
  /** To be called when an epoch has ended in whatever way. */
  ended(): Promise<void>;
  close(): Promise<void>;
}
