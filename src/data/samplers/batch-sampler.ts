import { LoaderError } from '../../errors.js';
import type { IndexSampler } from './sampler.js';

/** Which rows each batch of an epoch holds. Users pass their own to a `DataLoader`. */
export interface IndexBatchSampler {
  /** Batches an epoch has. */
  readonly length: number;
  /** Most rows a batch holds: the size of the loader's slots. */
  readonly batchSize: number;
  batches(epoch: number): Iterable<ArrayLike<number>>;
}

/** Consecutive rows of a sampler, `batchSize` at a time; the last batch may be smaller. */
export class BatchSampler implements IndexBatchSampler {
  readonly batchSize: number;
  readonly #sampler: IndexSampler;
  readonly #dropLast: boolean;

  /** @param dropLast leave out a last batch that is not full */
  constructor(sampler: IndexSampler, batchSize: number, dropLast = false) {
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new LoaderError(`batchSize is ${batchSize}`, {
        where: 'batchSize',
        hint: 'a whole number of samples, 1 or more',
      });
    }
    this.#sampler = sampler;
    this.batchSize = batchSize;
    this.#dropLast = dropLast;
  }

  get length(): number {
    const batches = this.#sampler.length / this.batchSize;
    return this.#dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  *batches(epoch: number): Generator<Uint32Array> {
    const rows = Uint32Array.from(this.#sampler.indices(epoch));
    for (let batch = 0; batch < this.length; batch++) {
      yield rows.subarray(batch * this.batchSize, (batch + 1) * this.batchSize);
    }
  }
}
