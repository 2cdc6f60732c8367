import { AbortedError, LoaderError } from '../errors.js';
import type { Batch, SlotRing } from '../protocol/batch.js';
import type { BadSample } from './bad-samples.js';
import { type CacheState, cacheState } from './cache/cache-state.js';
import { collateInPlace } from './collate.js';
import { type Dataset, type IterableDataset, isIterable } from './dataset.js';
import { createSlots, slotViews } from './fill/batch-slots.js';
import type { EpochFill } from './fill/epoch-fill.js';
import type { LoaderEpochs } from './loader-epochs.js';
import { checkKind, checkOptions, type DataLoaderOptions } from './loader-options.js';
import { type LoaderStats, StatsRecorder } from './loader-stats.js';
import { RowEpochs } from './row-epochs.js';
import { StreamEpochs } from './stream-epochs.js';

/**
 * Batches of a dataset, decoded ahead into shared memory, in an order that depends on the sampler alone.
 *
 *     for await (const batch of loader) { … }
 *
 * Each loop serves one epoch. Leaving the loop early, by whatever way, stops the decoders; the loader can then
 * be iterated again.
 */
export class DataLoader implements AsyncIterable<Batch> {
  readonly dataset: Dataset | IterableDataset;
  /** Epoch the next loop serves, from 0; set it to resume a run. */
  epoch = 0;
  /** Batch that the next loop begins with, from 0; those before it are not decoded. 0 again once it has begun. */
  startBatch = 0;
  readonly #options: DataLoaderOptions;
  readonly #epochs: LoaderEpochs;
  readonly #stats = new StatsRecorder();
  #slots: SlotRing;
  #fill: EpochFill | undefined;
  #closed = false;

  /** @throws LoaderError on unusable options, DatasetError where a label is no class of the dataset */
  constructor(dataset: Dataset | IterableDataset, options: DataLoaderOptions = {}) {
    const checked = checkOptions(options);
    checkKind(options, isIterable(dataset));
    this.dataset = dataset;
    this.#options = options;
    this.#epochs = isIterable(dataset)
      ? new StreamEpochs(dataset, checked)
      : new RowEpochs(dataset, options, checked);
    this.#slots = this.#newSlots();
  }

  /** Batches in an epoch. @throws LoaderError for an iterable dataset of unknown length without `samplesPerEpoch` */
  get length(): number {
    return this.#epochs.length;
  }

  /** Most samples a batch holds. */
  get batchSize(): number {
    return this.#epochs.batchSize;
  }

  /** Milliseconds the current epoch's loop, or the last one's, has waited for batches. */
  get waitMs(): number {
    return this.#stats.waitMs;
  }

  /** How the current epoch's loop, or the last one's, went. */
  get stats(): LoaderStats {
    return this.#stats.read();
  }

  /** What its cache of decoded images holds; undefined where it has none. */
  get cache(): CacheState | undefined {
    const { cache } = this.#epochs;
    return cache && cacheState(cache);
  }

  /** Samples that were left out, in all epochs so far, each once: with `onBadSample: 'skip'`. */
  get badSamples(): readonly BadSample[] {
    return this.#epochs.badSamples?.list ?? [];
  }

  /** Batches that are decoded, the one the loop holds included; at most prefetch + 1. 0 between epochs. */
  get filled(): number {
    return this.#fill?.filled ?? 0;
  }

  /**
   * One epoch. A batch's slot is written again once the next batch is asked for.
   *
   * @throws SampleError where a sample cannot be used, or more than may be left out; LoaderError where decode threads
   * ended again and again, a batch did not come in time or the loader is being iterated already; AbortedError when the
   * signal said so
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    const { signal } = this.#options;
    const { epoch, startBatch } = this;
    const fill = this.#begin(epoch, startBatch);
    const abort = (): void => fill.fail(aborted(signal?.reason));
    signal?.addEventListener('abort', abort);
    try {
      // Places count the batches that are decoded; the slot of a batch follows from its place.
      for (let place = 0; ; place++) {
        this.#stats.waited(await fill.ready(place));
        const size = fill.sizeOf(place);
        if (size === 0) break;
        this.#stats.given(size);
        yield this.#batch({ epoch, index: startBatch + place, place, size });
        fill.release(place);
      }
    } finally {
      signal?.removeEventListener('abort', abort);
      await this.#end(fill);
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
    const { transforms, collate, prefetch, timeout, signal } = this.#options;
    const pool = dataset.source === undefined ? undefined : this.#epochs.pool;
    const here = numWorkers ?? (pool === undefined && this.#epochs.workers === 0 ? 0 : undefined);
    // No more than there are: the slots of a single large image need not hold a hundred.
    const batchSize = Math.min(this.batchSize, Math.max(dataset.length, 1));
    const same = { transforms, collate, prefetch, timeout, signal };
    return new DataLoader(dataset, { ...same, batchSize, pool, numWorkers: here });
  }

  /** Stops the epoch under way and ends the loader's own threads. Calling it again does nothing. */
  async close(): Promise<void> {
    this.#closed = true;
    const fill = this.#fill;
    fill?.fail(closedError());
    await fill?.stop();
    await this.#epochs.close();
  }

  #begin(epoch: number, startBatch: number): EpochFill {
    const { signal } = this.#options;
    if (this.#closed) throw closedError();
    if (signal?.aborted) throw aborted(signal.reason);
    if (this.#fill !== undefined) {
      throw new LoaderError('the loader is being iterated already', {
        where: `epoch ${this.epoch - 1}`,
        hint: 'finish or leave that loop first, or make a second DataLoader',
      });
    }
    const { knownLength = Number.MAX_SAFE_INTEGER } = this.#epochs;
    if (!Number.isInteger(startBatch) || startBatch < 0 || startBatch > knownLength) {
      throw new LoaderError(`startBatch is ${startBatch}, an epoch has ${knownLength} batches`, {
        where: 'startBatch',
        hint: 'a whole number of batches that are done; all of them leaves none',
      });
    }
    const nameOf = (place: number): string => `batch ${startBatch + place} of epoch ${epoch}`;
    const fill = this.#epochs.begin({ epoch, startBatch, nameOf, slots: this.#slots });
    this.epoch = epoch + 1;
    this.startBatch = 0;
    this.#stats.begin(fill);
    this.#fill = fill;
    return fill;
  }

  async #end(fill: EpochFill): Promise<void> {
    this.#stats.end();
    // Whoever did not end may still write where it was told to: nobody is to read there any more.
    if (!(await fill.stop())) this.#slots = this.#newSlots();
    await this.#epochs.ended();
    this.#fill = undefined;
  }

  #newSlots(): SlotRing {
    const { imageShape } = this.dataset;
    return createSlots({ capacity: this.#epochs.batchSize, imageShape }, this.#epochs.prefetch + 1);
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
