import { batchesOf, checkOptions, type DataLoaderOptions } from '../loader-options.js';
import type { IndexBatchSampler } from '../samplers/batch-sampler.js';
import { type CollatedValue, defaultCollate } from './default-collate.js';
import type { Row } from './rows.js';

/** What a `RowLoader` needs of a table: any `Rows`. */
export interface RowSource<Out extends object> {
  readonly length: number;
  getRows(indices: ArrayLike<number>): Promise<Out[]>;
}

export interface RowLoaderOptions<Out extends object, Batch>
  extends Pick<
    DataLoaderOptions,
    'batchSize' | 'shuffle' | 'seed' | 'dropLast' | 'sampler' | 'batchSampler'
  > {
  /** Makes the batch of a list of rows. Default `defaultCollate`; `collateDict(rows)` gives tuples. */
  readonly collate?: (rows: Out[]) => Batch | Promise<Batch>;
}

/**
 * Batches of dictionary rows, of whatever a collate function makes of them: for looking, counting and plotting. They
 * stay on the calling thread; what trains are the uint8 images of a `DataLoader` (`imagesOf`).
 *
 *     for await (const [images, labels] of new RowLoader(rows, { batchSize: 16, collate: collateDict(rows) })) { … }
 */
export class RowLoader<Out extends object = Row, Batch = CollatedValue> implements AsyncIterable<Batch> {
  readonly rows: RowSource<Out>;
  /** Epoch the next loop serves, from 0. */
  epoch = 0;
  readonly #batches: IndexBatchSampler;
  readonly #collate: (rows: Out[]) => Batch | Promise<Batch>;

  /** @throws LoaderError on unusable options */
  constructor(rows: RowSource<Out>, options: RowLoaderOptions<Out, Batch> = {}) {
    this.rows = rows;
    const { collate, ...order } = options;
    this.#batches = batchesOf(rows, order, checkOptions(order));
    // Batch is what defaultCollate makes unless a collate says otherwise.
    this.#collate = collate ?? (defaultCollate as unknown as (rows: Out[]) => Batch);
  }

  /** Batches in an epoch. */
  get length(): number {
    return this.#batches.length;
  }

  /** One epoch. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    for (const indices of this.#batches.batches(this.epoch++)) {
      yield await this.#collate(await this.rows.getRows(indices));
    }
  }
}
