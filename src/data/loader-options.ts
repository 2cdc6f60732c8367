import { defaultSeed } from '../default-seed.js';
import { LoaderError } from '../errors.js';
import type { TransformSpec } from '../protocol/batch.js';
import { type BadSampleListeners, type BadSamplePolicy, badSamplePolicies } from './bad-samples.js';
import type { CacheKind, CacheOptions } from './cache/cache-options.js';
import type { Collate } from './collate.js';
import type { Dataset } from './dataset.js';
import { type DecodePool, defaultPoolSize } from './fill/decode-pool.js';
import { BatchSampler, type IndexBatchSampler } from './samplers/batch-sampler.js';
import { type IndexSampler, Sampler } from './samplers/sampler.js';
import { needsDecoder } from './samples/sample-source.js';

export interface DataLoaderOptions extends BadSampleListeners {
  /** Samples a batch, all replicas together. Default 64. */
  readonly batchSize?: number;
  /** A new order every epoch. Default false. */
  readonly shuffle?: boolean;
  /** Of the shuffling, and of the random numbers for datasets of the user's. Default: that of `setSeed`, 42. */
  readonly seed?: number;
  /** Leave out a last batch that is not full. Default false. */
  readonly dropLast?: boolean;
  /**
   * Which rows, in which order, instead of `shuffle` and `seed`. A batch sampler is taken as `batchSampler`: its
   * batches are the loader's, without PyTorch's leading axis of one.
   */
  readonly sampler?: IndexSampler | IndexBatchSampler;
  /** Which rows in which batch, instead of all of the above. */
  readonly batchSampler?: IndexBatchSampler;
  /**
   * Decode threads. 0: decode on the calling thread. Default `auto`: as many as the machine is good for where
   * images have to be decoded, 1 where pixels are only copied, 0 for a dataset that only the caller can read.
   */
  readonly numWorkers?: number | 'auto';
  /** Batches decoded ahead of the one in use, 1 or more. Each costs one slot of memory. Default 2. */
  readonly prefetch?: number;
  /** The same as PyTorch counts it: batches ahead for each decode thread. Instead of `prefetch`. */
  readonly prefetchFactor?: number;
  /** false: the loader's own threads end after each epoch, and are started for the next. Default true. */
  readonly persistentWorkers?: boolean;
  /**
   * Seconds that a batch is waited for: then the epoch ends with a LoaderError that names what decoders were at work
   * on. Default 0: for ever. What blocks the calling thread itself cannot be timed.
   */
  readonly timeout?: number;
  /** Of an iterable dataset: samples after which an epoch ends; one that has an end of its own must reach it. */
  readonly samplesPerEpoch?: number;
  /** Of an iterable dataset: samples held to choose from at random, by `seed` and epoch. Default 0: in order. */
  readonly shuffleBuffer?: number;
  /** Makes the batch of its samples, on the calling thread. Default: they are stacked as decoded. */
  readonly collate?: Collate;
  /**
   * What happens where a sample cannot be used: `fail` (default) ends the epoch with its error; `skip` leaves it out
   * of its batch, which is smaller then.
   */
  readonly onBadSample?: BadSamplePolicy;
  /** Rows that may be left out, in all epochs together, before the epoch ends with an error all the same. Default 100. */
  readonly maxBadSamples?: number;
  /** What replicas do to their shard before the model sees it. Default: nothing. */
  readonly transforms?: readonly TransformSpec[];
  /**
   * Where decoded images are kept, so that they are decoded in the first epoch only: `none` (default), `memory`, or
   * `disk`, where later runs find them. All loaders of the dataset share it.
   */
  readonly cache?: CacheKind | CacheOptions;
  /** Threads shared with other loaders; the loader never closes them. Default: threads of its own. */
  readonly pool?: DecodePool;
  /** Ends the epoch under way with an AbortedError. */
  readonly signal?: AbortSignal;
}

const defaults = {
  onBadSample: 'fail' as BadSamplePolicy,
  maxBadSamples: 100,
  batchSize: 64,
  shuffle: false,
  dropLast: false,
  persistentWorkers: true,
  timeout: 0,
  shuffleBuffer: 0,
};

/** Options with their defaults; what is optional still depends on others. */
export type CheckedOptions = typeof defaults & { readonly seed: number } & Pick<
    DataLoaderOptions,
    'prefetch' | 'prefetchFactor' | 'samplesPerEpoch'
  >;

/** Options that exclude each other: what each left one replaces. */
const replaced = {
  sampler: ['shuffle', 'seed'],
  batchSampler: ['sampler', 'shuffle', 'seed', 'batchSize', 'dropLast'],
  prefetchFactor: ['prefetch'],
} as const;

/** Options that only a dataset with rows has, and those that only an iterable one has. */
const ofRows = ['shuffle', 'sampler', 'batchSampler', 'prefetchFactor', 'pool', 'onBadSample'] as const;
const ofStreams = ['samplesPerEpoch', 'shuffleBuffer'] as const;

/** Options with a batch sampler, if there is one, where it belongs. */
export function withBatchSampler<T extends Pick<DataLoaderOptions, 'sampler' | 'batchSampler'>>(
  options: T,
): T {
  const { sampler, batchSampler } = options;
  if (batchSampler !== undefined || !isBatchSampler(sampler)) return options;
  return { ...options, sampler: undefined, batchSampler: sampler };
}

const isBatchSampler = (sampler: DataLoaderOptions['sampler']): sampler is IndexBatchSampler =>
  sampler !== undefined && 'batches' in sampler;

/** The batches of an epoch, by whichever options they are given. @throws LoaderError */
export function batchesOf(
  dataset: { readonly length: number },
  options: Pick<DataLoaderOptions, 'sampler' | 'batchSampler'>,
  { batchSize, shuffle, seed, dropLast }: CheckedOptions,
): IndexBatchSampler {
  const { sampler, batchSampler } = withBatchSampler(options);
  if (batchSampler !== undefined) return batchSampler;
  const rows = isBatchSampler(sampler) || !sampler ? new Sampler(dataset, { shuffle, seed }) : sampler;
  const batches = new BatchSampler(rows, batchSize, dropLast);
  if (batches.length > 0) return batches;
  throw new LoaderError(`${rows.length} samples make no batch of ${batchSize}`, {
    where: 'batchSize',
    hint: 'lower batchSize, or keep the incomplete batch: dropLast false',
  });
}

/** A timer of Node.js counts its milliseconds in 31 bits. */
const MAX_TIMEOUT_SECONDS = 2_000_000;

/** Whole numbers, and the least that each may be. */
const leasts = [
  ['batchSize', 1],
  ['prefetch', 1],
  ['prefetchFactor', 1],
  ['seed', 0],
  ['samplesPerEpoch', 1],
  ['shuffleBuffer', 0],
  ['maxBadSamples', 0],
] as const;

/** Fills in defaults. @throws LoaderError naming the option */
export function checkOptions(given: DataLoaderOptions): CheckedOptions {
  const options = withBatchSampler(given);
  for (const [option, others] of Object.entries(replaced) as [keyof typeof replaced, readonly string[]][]) {
    const given = others.find(other => options[other as keyof DataLoaderOptions] !== undefined);
    if (options[option] === undefined || given === undefined) continue;
    throw optionError(given, `${given} and ${option} are given`, `${option} decides it: leave ${given} out`);
  }
  const { collate: _, transforms, pool, signal, numWorkers, sampler, batchSampler, ...plain } = options;
  const checked = { ...defaults, seed: defaultSeed(), ...defined(plain) };
  for (const [option, least] of leasts) {
    const value = checked[option];
    if (value !== undefined) expectInteger(option, value, least);
  }
  const { timeout, persistentWorkers, onBadSample } = checked;
  if (!badSamplePolicies.includes(onBadSample))
    throw optionError('onBadSample', `onBadSample is ${onBadSample}`, badSamplePolicies.join(' or '));
  if (!(timeout >= 0 && timeout <= MAX_TIMEOUT_SECONDS))
    throw optionError(
      'timeout',
      `timeout is ${timeout}`,
      `seconds, ${MAX_TIMEOUT_SECONDS} at most; 0 waits for ever`,
    );
  if (!persistentWorkers && pool !== undefined)
    throw optionError(
      'persistentWorkers',
      'persistentWorkers is false, and a pool is given',
      'whoever made the pool closes it: leave one of the two out',
    );
  return checked;
}

/** Refuses options that belong to the other kind of dataset. @throws LoaderError naming the option */
export function checkKind(options: DataLoaderOptions, isStream: boolean): void {
  const wrong = (isStream ? ofRows : ofStreams).find(option => options[option] !== undefined);
  if (wrong !== undefined)
    throw optionError(
      wrong,
      `${wrong} is given, and the dataset ${isStream ? 'is iterable, it has no rows' : 'has rows'}`,
      isStream
        ? 'shuffleBuffer shuffles a stream; it is read on the calling thread'
        : 'shuffle and samplers decide about rows: RandomSampler has numSamples',
    );
  const { numWorkers = 'auto' } = options;
  if (!isStream || numWorkers === 'auto' || numWorkers === 0) return;
  throw optionError('numWorkers', `numWorkers is ${numWorkers}`, 'an iterable dataset is read here: give 0');
}

/** Batches decoded ahead of the one in use. @throws LoaderError naming the option */
export function prefetchOf(
  { prefetch = 2, prefetchFactor }: Pick<CheckedOptions, 'prefetch' | 'prefetchFactor'>,
  workers: number,
): number {
  if (prefetchFactor === undefined) return prefetch;
  if (workers > 0) return prefetchFactor * workers;
  throw optionError(
    'prefetchFactor',
    `prefetchFactor is ${prefetchFactor}, and there are no decode threads`,
    'give prefetch, which counts batches whoever decodes them',
  );
}

/** Decode threads a loader of `dataset` uses. @throws LoaderError naming the option */
export function workersFor({ source }: Dataset, { numWorkers = 'auto', pool }: DataLoaderOptions): number {
  if (numWorkers !== 'auto') expectInteger('numWorkers', numWorkers, 0);
  if (source === undefined) {
    if (numWorkers === 'auto' || numWorkers === 0) return 0;
    throw optionError(
      'numWorkers',
      `numWorkers is ${numWorkers}, but the dataset has no source that threads can open`,
      'give numWorkers 0, or use one of the datasets of gradring',
    );
  }
  if (pool !== undefined && numWorkers !== 0) {
    if (numWorkers === 'auto' || numWorkers === pool.size) return pool.size;
    throw optionError(
      'numWorkers',
      `numWorkers is ${numWorkers}, the pool has ${pool.size} threads`,
      'leave numWorkers out where a pool is given',
    );
  }
  if (numWorkers !== 'auto') return numWorkers;
  return needsDecoder(source) ? defaultPoolSize() : 1;
}

function defined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function expectInteger(option: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw optionError(option, `${option} is ${value}`, `a whole number, ${least} or more`);
}

function optionError(option: string, message: string, hint: string): LoaderError {
  return new LoaderError(message, { where: option, hint });
}
