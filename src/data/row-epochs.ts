/** The epochs of a dataset with rows: in the order of a sampler, decoded by threads or on the calling thread. */
import { DatasetError, LoaderError } from '../errors.js';
import type { SlotRing } from '../protocol/batch.js';
import { BadSamples } from './bad-samples.js';
import { checkCache } from './cache/cache-options.js';
import { withCache } from './cache/open-cache.js';
import type { PixelCache } from './cache/pixel-cache.js';
import { checkLabels, type Dataset } from './dataset.js';
import { DecodePool } from './fill/decode-pool.js';
import type { EpochFill } from './fill/epoch-fill.js';
import { planEpoch } from './fill/epoch-plan.js';
import { Fill, type FillCrew, type FillEvents } from './fill/fill.js';
import { fillBatches, givesBatches } from './fill/fill-batches.js';
import { fillHere } from './fill/fill-here.js';
import type { FillJob } from './fill/fill-slots.js';
import type { EpochStart, LoaderEpochs } from './loader-epochs.js';
import {
  batchesOf,
  type CheckedOptions,
  type DataLoaderOptions,
  prefetchOf,
  workersFor,
} from './loader-options.js';
import type { IndexBatchSampler } from './samplers/batch-sampler.js';
import { datasetReader } from './samples/dataset-reader.js';
import type { EpochDraws } from './samples/sample-context.js';
import { openReader } from './samples/sample-reader.js';
import { needsDecoder, type SampleSource } from './samples/sample-source.js';

export class RowEpochs implements LoaderEpochs {
  readonly workers: number;
  readonly prefetch: number;
  /** Absent: the first one ends the epoch. */
  readonly badSamples: BadSamples | undefined;
  readonly #dataset: Dataset;
  readonly #given: DataLoaderOptions;
  readonly #options: CheckedOptions;
  readonly #batches: IndexBatchSampler;
  /** The dataset's, with its cache. */
  readonly #source: SampleSource | undefined;
  readonly #givenPool: DecodePool | undefined;
  #ownPool: DecodePool | undefined;

  /** @throws LoaderError on unusable options, DatasetError where a label is no class of the dataset */
  constructor(dataset: Dataset, given: DataLoaderOptions, checked: CheckedOptions) {
    this.workers = workersFor(dataset, given);
    this.prefetch = prefetchOf(checked, this.workers);
    requireLabels(dataset);
    this.#dataset = dataset;
    this.#given = given;
    this.#options = checked;
    const { onBadSample, maxBadSamples } = checked;
    this.badSamples = onBadSample === 'skip' ? new BadSamples(maxBadSamples, given) : undefined;
    this.#batches = batchesOf(dataset, given, checked);
    this.#givenPool = given.pool;
    this.#source = sourceOf(dataset, given);
  }

  get length(): number {
    return this.#batches.length;
  }

  get knownLength(): number {
    return this.length;
  }

  get batchSize(): number {
    return this.#batches.batchSize;
  }

  get pool(): DecodePool | undefined {
    return this.#givenPool ?? this.#ownPool;
  }

  get cache(): PixelCache | undefined {
    return this.#source?.cache;
  }

  begin({ epoch, startBatch, slots, nameOf }: EpochStart & { readonly slots: SlotRing }): EpochFill {
    const dataset = this.#dataset;
    const { seed, timeout } = this.#options;
    const names = { batch: nameOf, row: (row: number) => dataset.describe(row) };
    const options = {
      plan: planEpoch(this.#batches, epoch, dataset.length, startBatch),
      slots,
      chunk: this.#chunk,
      timeoutMs: timeout * 1000,
      names,
      badSamples: this.badSamples,
      onWarning: this.#given.onWarning,
    };
    return new Fill(options, (job, events) => this.#start(job, events, { seed, epoch }));
  }

  async ended(): Promise<void> {
    if (this.#options.persistentWorkers) return;
    await this.close();
    this.#ownPool = undefined;
  }

  async close(): Promise<void> {
    await this.#ownPool?.close();
  }

  /** Small enough that all threads work on the batch that is waited for, large enough to make tickets rare. */
  get #chunk(): number {
    if (this.#dataset.source === undefined && givesBatches(this.#dataset)) return this.batchSize;
    // Of pixels that are copied only, a chunk may be larger: the ticket is a good part of its price.
    const source = this.#source;
    const most = source === undefined || (source.cache === undefined && needsDecoder(source)) ? 64 : 512;
    return Math.min(Math.max(Math.ceil(this.batchSize / Math.max(this.workers, 1) / 2), 8), most);
  }

  #start(job: FillJob, events: FillEvents, draws: EpochDraws): FillCrew {
    const dataset = this.#dataset;
    const source = this.#source;
    if (source === undefined && givesBatches(dataset)) return fillBatches(job, events, dataset, draws);
    if (source === undefined) return fillHere(job, events, () => datasetReader(dataset, draws));
    if (this.workers === 0) return fillHere(job, events, () => openReader(source));
    if (this.pool === undefined) this.#ownPool = new DecodePool(this.workers);
    return (this.pool as DecodePool).fill(job, events, source);
  }
}

/** @throws LoaderError, DatasetError where it cannot have the cache */
function sourceOf({ source }: Dataset, { cache }: DataLoaderOptions): SampleSource | undefined {
  if (source !== undefined) return withCache(source, cache);
  if (checkCache(cache) === undefined) return undefined;
  throw new LoaderError('the dataset has no source, so nobody knows whether its samples stay the same', {
    where: 'cache',
    hint: 'leave cache out, or use one of the datasets of gradring',
  });
}

function requireLabels(dataset: Dataset): void {
  if (dataset.labels.length !== dataset.length) {
    throw new DatasetError(`the dataset has ${dataset.length} samples and ${dataset.labels.length} labels`, {
      where: 'labels',
      hint: 'give one label a sample',
    });
  }
  checkLabels(dataset.labels, dataset.classes, index => dataset.describe(index));
}
