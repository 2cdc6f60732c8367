import { defaultSeed } from '../default-seed.js';
import { LoaderError } from '../errors.js';
import type { TransformSpec } from '../protocol/batch.js';
import type { Collate } from './collate.js';
import type { Dataset } from './dataset.js';
import { type DecodePool, defaultPoolSize } from './fill/decode-pool.js';
import { BatchSampler, type IndexBatchSampler } from './samplers/batch-sampler.js';
import { type IndexSampler, Sampler } from './samplers/sampler.js';
import { needsDecoder } from './samples/sample-source.js';

export interface DataLoaderOptions {
  /** Samples a batch, all replicas together. Default 64. */
  readonly batchSize?: number;
  /** A new order every epoch. Default false. */
  readonly shuffle?: boolean;
  /** Of the shuffling. Default: that of `setSeed`, 42. */
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
  /** Makes the batch of its samples, on the calling thread. Default: they are stacked as decoded. */
  readonly collate?: Collate;
  /** What replicas do to their shard before the model sees it. Default: nothing. */
  readonly transforms?: readonly TransformSpec[];
  /** Threads shared with other loaders; the loader never closes them. Default: threads of its own. */
  readonly pool?: DecodePool;
  /** Ends the epoch under way with an AbortedError. */
  readonly signal?: AbortSignal;
}

const defaults = { batchSize: 64, shuffle: false, dropLast: false, prefetch: 2 };

type CheckedOptions = typeof defaults & { readonly seed: number };

/** Options that exclude each other: what each left one replaces. */
const replaced = {
  sampler: ['shuffle', 'seed'],
  batchSampler: ['sampler', 'shuffle', 'seed', 'batchSize', 'dropLast'],
} as const;

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

/** Fills in defaults. @throws LoaderError naming the option */
export function checkOptions(given: DataLoaderOptions): CheckedOptions {
  const options = withBatchSampler(given);
  for (const [option, others] of Object.entries(replaced) as [keyof typeof replaced, readonly string[]][]) {
    const given = others.find(other => options[other as keyof DataLoaderOptions] !== undefined);
    if (options[option] === undefined || given === undefined) continue;
    throw optionError(given, `${given} and ${option} are given`, `${option} decides it: leave ${given} out`);
  }
  const { batchSize, prefetch, seed, shuffle, dropLast } = {
    ...defaults,
    seed: defaultSeed(),
    ...defined(options),
  };
  expectInteger('batchSize', batchSize, 1);
  expectInteger('prefetch', prefetch, 1);
  expectInteger('seed', seed, 0);
  return { batchSize, prefetch, seed, shuffle, dropLast };
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
