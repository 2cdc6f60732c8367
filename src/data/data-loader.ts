import { AbortedError, DatasetError, LoaderError } from '../errors.js';
import type { Batch, SlotRing } from '../protocol/batch.js';
import { BatchSampler, type IndexBatchSampler } from './batch-sampler.js';
import { createSlots, slotViews } from './batch-slots.js';
import { collateInPlace } from './collate.js';
import { checkLabels, type Dataset } from './dataset.js';
import { DecodePool } from './decode-pool.js';
import { planEpoch } from './epoch-plan.js';
import { Fill, type FillCrew, type FillEvents, fillHere } from './fill.js';
import type { FillJob } from './fill-slots.js';
import { checkOptions, type DataLoaderOptions, workersFor } from './loader-options.js';
import { datasetReader, openReader } from './sample-reader.js';
import { Sampler } from './sampler.js';

/**
 * Batches of a dataset, decoded ahead into shared memory, in an order that depends on the sampler alone.
 *
 *     for await (const batch of loader) { … }
 *
 * Each loop serves one epoch. Leaving the loop early, by whatever way, stops the decoders; the loader can then
 * be iterated again.
 */
export class DataLoader implements AsyncIterable<Batch> {
  readonly dataset: Dataset;
  /** Epoch the next loop serves, from 0; set it to resume a run. */
  epoch = 0;
  readonly #options: DataLoaderOptions;
  readonly #batches: IndexBatchSampler;
  readonly #slots: SlotRing;
  readonly #workers: number;
  #ownPool: DecodePool | undefined;
  #fill: Fill | undefined;
  #closed = false;
  #waitMs = 0;

  /** @throws LoaderError on unusable options, DatasetError where a label is no class of the dataset */
  constructor(dataset: Dataset, options: DataLoaderOptions = {}) {
    const { prefetch, batchSize, shuffle, seed, dropLast } = checkOptions(options);
    this.dataset = dataset;
    this.#options = options;
    this.#workers = workersFor(dataset, options);
    if (dataset.labels.length !== dataset.length) {
      throw new DatasetError(
        `the dataset has ${dataset.length} samples and ${dataset.labels.length} labels`,
        {
          where: 'labels',
          hint: 'give one label a sample',
        },
      );
    }
    checkLabels(dataset.labels, dataset.classes, index => dataset.describe(index));
    const sampler = options.sampler ?? new Sampler(dataset, { shuffle, seed });
    this.#batches = options.batchSampler ?? new BatchSampler(sampler, batchSize, dropLast);
    if (this.#batches.length < 1) {
      throw new LoaderError(`${sampler.length} samples make no batch of ${this.#batches.batchSize}`, {
        where: 'batchSize',
        hint: 'lower batchSize, or keep the incomplete batch: dropLast false',
      });
    }
    const layout = { capacity: this.#batches.batchSize, imageShape: dataset.imageShape };
    this.#slots = createSlots(layout, prefetch + 1);
  }

  /** Batches in an epoch. */
  get length(): number {
    return this.#batches.length;
  }

  /** Most samples a batch holds. */
  get batchSize(): number {
    return this.#batches.batchSize;
  }

  /** Milliseconds the current epoch's loop, or the last one's, has waited for batches. */
  get waitMs(): number {
    return this.#waitMs;
  }

  /** Batches that are decoded, the one the loop holds included; at most prefetch + 1. 0 between epochs. */
  get filled(): number {
    return this.#fill?.filled ?? 0;
  }

  /**
   * One epoch. A batch's slot is written again once the next batch is asked for.
   *
   * @throws SampleError where a sample cannot be decoded, LoaderError where a decode thread died or the loader
   * is being iterated already, AbortedError when the signal said so
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    const { signal } = this.#options;
    const epoch = this.epoch;
    const fill = this.#begin(epoch);
    const abort = (): void => fill.fail(aborted(signal?.reason));
    signal?.addEventListener('abort', abort);
    try {
      for (let index = 0; index < this.length; index++) {
        const asked = performance.now();
        await fill.ready(index);
        this.#waitMs += performance.now() - asked;
        yield this.#batch(epoch, index, fill.sizeOf(index));
        fill.release(index);
      }
    } finally {
      signal?.removeEventListener('abort', abort);
      await fill.stop();
      this.#fill = undefined;
    }
  }

  /** Stops the epoch under way and ends the loader's own threads. Calling it again does nothing. */
  async close(): Promise<void> {
    this.#closed = true;
    const fill = this.#fill;
    fill?.fail(closedError());
    await fill?.stop();
    await this.#ownPool?.close();
  }

  #begin(epoch: number): Fill {
    const { signal } = this.#options;
    if (this.#closed) throw closedError();
    if (signal?.aborted) throw aborted(signal.reason);
    if (this.#fill !== undefined) {
      throw new LoaderError('the loader is being iterated already', {
        where: `epoch ${this.epoch - 1}`,
        hint: 'finish or leave that loop first, or make a second DataLoader',
      });
    }
    const plan = planEpoch(this.#batches, epoch, this.dataset.length);
    this.epoch = epoch + 1;
    this.#waitMs = 0;
    const chunk = chunkSize(this.batchSize, this.#workers);
    this.#fill = new Fill(plan, this.#slots, chunk, (job, events) => this.#start(job, events));
    return this.#fill;
  }

  #start(job: FillJob, events: FillEvents): FillCrew {
    const { dataset } = this;
    const { source } = dataset;
    if (source === undefined) return fillHere(job, events, () => datasetReader(dataset));
    if (this.#workers === 0) return fillHere(job, events, () => openReader(source));
    const pool = this.#options.pool ?? this.#ownPool ?? new DecodePool(this.#workers);
    if (this.#options.pool === undefined) this.#ownPool = pool;
    return pool.fill(job, events, source);
  }

  #batch(epoch: number, index: number, size: number): Batch {
    const ring = this.#slots;
    const slot = index % ring.buffers.length;
    const views = slotViews(ring.buffers[slot], ring.layout, size);
    if (this.#options.collate !== undefined) collateInPlace(this.#options.collate, views);
    return { ring, slot, size, epoch, index, ...views, transforms: this.#options.transforms ?? [] };
  }
}

/** Small enough that all threads work on the batch that is waited for, large enough to make tickets rare. */
function chunkSize(batchSize: number, workers: number): number {
  return Math.min(Math.max(Math.ceil(batchSize / Math.max(workers, 1) / 2), 8), 64);
}

function closedError(): LoaderError {
  return new LoaderError('the loader is closed', {
    where: 'DataLoader',
    hint: 'close a loader after its last epoch',
  });
}

function aborted(reason: unknown): AbortedError {
  return new AbortedError('loading was aborted', {
    where: 'DataLoader',
    hint: 'the signal given to the loader was aborted',
    cause: reason,
  });
}
