import { AbortedError, DatasetError, LoaderError } from '../errors.js';
import type { Batch, SlotRing } from '../protocol/batch.js';
import { collateInPlace } from './collate.js';
import { checkLabels, type Dataset } from './dataset.js';
import { createSlots, slotViews } from './fill/batch-slots.js';
import { DecodePool } from './fill/decode-pool.js';
import { planEpoch } from './fill/epoch-plan.js';
import { Fill, type FillCrew, type FillEvents, fillHere } from './fill/fill.js';
import { fillBatches, givesBatches } from './fill/fill-batches.js';
import type { FillJob } from './fill/fill-slots.js';
import { batchesOf, checkOptions, type DataLoaderOptions, workersFor } from './loader-options.js';
import type { IndexBatchSampler } from './samplers/batch-sampler.js';
import { datasetReader } from './samples/dataset-reader.js';
import { openReader } from './samples/sample-reader.js';

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
  /** Batch that the next loop begins with, from 0; those before it are not decoded. 0 again once it has begun. */
  startBatch = 0;
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
    const checked = checkOptions(options);
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
    this.#batches = batchesOf(dataset, options, checked);
    const layout = { capacity: this.#batches.batchSize, imageShape: dataset.imageShape };
    this.#slots = createSlots(layout, checked.prefetch + 1);
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
    const { epoch, startBatch } = this;
    const fill = this.#begin(epoch, startBatch);
    const abort = (): void => fill.fail(aborted(signal?.reason));
    signal?.addEventListener('abort', abort);
    try {
      // Places count the batches that are decoded; the slot of a batch follows from its place.
      for (let place = 0; startBatch + place < this.length; place++) {
        const asked = performance.now();
        await fill.ready(place);
        this.#waitMs += performance.now() - asked;
        yield this.#batch({ epoch, index: startBatch + place, place, size: fill.sizeOf(place) });
        fill.release(place);
      }
    } finally {
      signal?.removeEventListener('abort', abort);
      await fill.stop();
      this.#fill = undefined;
    }
  }

  /**
   * A loader of another dataset with the same batch size, transforms, collate and prefetch, in order and without
   * dropping a sample: for judging new data as this loader's is. The caller closes it.
   *
   * @param numWorkers default: as this loader, whose threads it shares if they are running
   * @throws DatasetError where a label is no class of the dataset
   */
  testLoader(dataset: Dataset, { numWorkers }: Pick<DataLoaderOptions, 'numWorkers'> = {}): DataLoader {
    const { transforms, collate, prefetch, signal } = this.#options;
    const pool = dataset.source === undefined ? undefined : (this.#options.pool ?? this.#ownPool);
    const here = numWorkers ?? (pool === undefined && this.#workers === 0 ? 0 : undefined);
    // No more than there are: the slots of a single large image need not hold a hundred.
    const batchSize = Math.min(this.batchSize, Math.max(dataset.length, 1));
    const same = { transforms, collate, prefetch, signal };
    return new DataLoader(dataset, { ...same, batchSize, pool, numWorkers: here });
  }

  /** Stops the epoch under way and ends the loader's own threads. Calling it again does nothing. */
  async close(): Promise<void> {
    this.#closed = true;
    const fill = this.#fill;
    fill?.fail(closedError());
    await fill?.stop();
    await this.#ownPool?.close();
  }

  #begin(epoch: number, startBatch: number): Fill {
    const { signal } = this.#options;
    if (this.#closed) throw closedError();
    if (signal?.aborted) throw aborted(signal.reason);
    if (this.#fill !== undefined) {
      throw new LoaderError('the loader is being iterated already', {
        where: `epoch ${this.epoch - 1}`,
        hint: 'finish or leave that loop first, or make a second DataLoader',
      });
    }
    if (!Number.isInteger(startBatch) || startBatch < 0 || startBatch > this.length) {
      throw new LoaderError(`startBatch is ${startBatch}, an epoch has ${this.length} batches`, {
        where: 'startBatch',
        hint: 'a whole number of batches that are done; all of them leaves none',
      });
    }
    const plan = planEpoch(this.#batches, epoch, this.dataset.length, startBatch);
    this.epoch = epoch + 1;
    this.startBatch = 0;
    this.#waitMs = 0;
    const chunk = chunkSize(this.batchSize, this.#workers);
    this.#fill = new Fill(plan, this.#slots, chunk, (job, events) => this.#start(job, events));
    return this.#fill;
  }

  #start(job: FillJob, events: FillEvents): FillCrew {
    const { dataset } = this;
    const { source } = dataset;
    if (source === undefined && givesBatches(dataset)) return fillBatches(job, events, dataset);
    if (source === undefined) return fillHere(job, events, () => datasetReader(dataset));
    if (this.#workers === 0) return fillHere(job, events, () => openReader(source));
    const pool = this.#options.pool ?? this.#ownPool ?? new DecodePool(this.#workers);
    if (this.#options.pool === undefined) this.#ownPool = pool;
    return pool.fill(job, events, source);
  }

  #batch({
    epoch,
    index,
    place,
    size,
  }: {
    epoch: number;
    index: number;
    place: number;
    size: number;
  }): Batch {
    const ring = this.#slots;
    const slot = place % ring.buffers.length;
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
