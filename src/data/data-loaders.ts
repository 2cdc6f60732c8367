import { DataLoader } from './data-loader.js';
import { type Dataset, type DatasetPair, type IterableDataset, isIterable } from './dataset.js';
import { DecodePool } from './fill/decode-pool.js';
import { type DataLoaderOptions, withBatchSampler, workersFor } from './loader-options.js';
import type { DatasetDict } from './rows/dataset-dict.js';
import { type ImagesOfOptions, imagesOf } from './rows/images-of.js';

/** As `DatasetPair`; what is trained on may be a stream. */
type LoadedPair = Omit<DatasetPair, 'train'> & { readonly train: Dataset | IterableDataset };

type SplitOptions = Omit<DataLoaderOptions, 'numWorkers' | 'pool'>;

/** `shuffle` (default true), `seed`, `dropLast` and the samplers are the training loader's; the rest is for both. */
export interface DataLoadersOptions extends DataLoaderOptions {
  /** What differs for the training loader. */
  readonly train?: SplitOptions;
  /** What differs for the validation loader. */
  readonly valid?: SplitOptions;
}

export interface DatasetDictOptions extends DataLoadersOptions, ImagesOfOptions {
  /** Names of the set to train on and the set to judge on. Default: those of `DatasetDict.trainingSplits`. */
  readonly splits?: readonly [train: string, valid: string];
}

/** A training and a validation loader that share their decode threads. */
export class DataLoaders {
  readonly train: DataLoader;
  readonly valid: DataLoader;
  /** The threads they share; undefined where everything is read on the calling thread. */
  readonly pool: DecodePool | undefined;
  readonly #ownsPool: boolean;

  private constructor(train: DataLoader, valid: DataLoader, pool: DecodePool | undefined, ownsPool: boolean) {
    this.train = train;
    this.valid = valid;
    this.pool = pool;
    this.#ownsPool = ownsPool;
  }

  /**
   * The validation loader reads in order, never drops a sample, and takes twice the training batch: without a
   * backward pass it fits in the same memory.
   *
   * @throws LoaderError on unusable options, DatasetError where a label is no class of its dataset
   */
  static from({ train, valid }: LoadedPair, options: DataLoadersOptions = {}): DataLoaders {
    const { train: ofTrain, valid: validOptions, ...common } = options;
    const ofValid = validOptions && withBatchSampler(validOptions);
    const { collate, prefetch, prefetchFactor, timeout, transforms, signal, persistentWorkers, cache } =
      common;
    const { onBadSample, maxBadSamples, onBadRow, onWarning } = common;
    const pool = sharedPool([train, valid], common);
    const samples = ofTrain?.sampler ?? ofTrain?.batchSampler ?? common.sampler ?? common.batchSampler;
    const shuffle = samples === undefined && !isIterable(train) ? true : undefined;
    try {
      const trainLoader = new DataLoader(train, {
        shuffle,
        ...common,
        ...ofTrain,
        ...threadsFor(train, pool, common),
      });
      const batchSize = ofValid?.batchSampler === undefined ? 2 * trainLoader.batchSize : undefined;
      const shared = {
        collate,
        prefetch,
        prefetchFactor,
        timeout,
        transforms,
        signal,
        persistentWorkers,
        cache,
        onBadSample,
        maxBadSamples,
        onBadRow,
        onWarning,
      };
      const validLoader = new DataLoader(valid, {
        batchSize,
        ...shared,
        ...ofValid,
        ...threadsFor(valid, pool, common),
      });
      return new DataLoaders(trainLoader, validLoader, pool, common.pool === undefined);
    } catch (error) {
      if (common.pool === undefined) void pool?.close();
      throw error;
    }
  }

  /**
   * Loaders of the splits of a `DatasetDict`, as `from` makes them: its images and labels (`imagesOf`), with its
   * transform run once for each batch.
   *
   * @throws DatasetError, LoaderError
   */
  static async fromDatasetDict<Out extends object, Stored extends object>(
    splits: DatasetDict<Out, Stored>,
    batchSize: number,
    { splits: names = splits.trainingSplits(), image, label, ...options }: DatasetDictOptions = {},
  ): Promise<DataLoaders> {
    const [train, valid] = await Promise.all(names.map(name => imagesOf(splits.get(name), { image, label })));
    return DataLoaders.from({ train, valid }, { ...options, batchSize });
  }

  /** Closes both loaders, and their threads unless the caller gave them. Calling it again does nothing. */
  async close(): Promise<void> {
    await Promise.all([this.train.close(), this.valid.close()]);
    if (this.#ownsPool) await this.pool?.close();
  }
}

/** The threads for both loaders; undefined where they need none, or are to have their own. */
function sharedPool(
  datasets: readonly (Dataset | IterableDataset)[],
  options: DataLoaderOptions,
): DecodePool | undefined {
  const workers = datasets.map(dataset => (isIterable(dataset) ? 0 : workersFor(dataset, options)));
  const most = Math.max(...workers);
  // Threads that end after each epoch are each loader's own.
  if (most === 0 || options.persistentWorkers === false) return options.pool;
  return options.pool ?? new DecodePool(most);
}

/** `numWorkers` says how many threads the pool has, or that there are none. */
function threadsFor(
  dataset: Dataset | IterableDataset,
  pool: DecodePool | undefined,
  { numWorkers }: DataLoaderOptions,
): Pick<DataLoaderOptions, 'pool' | 'numWorkers'> {
  if (isIterable(dataset)) return { pool: undefined, numWorkers: undefined };
  return { pool, numWorkers: pool === undefined || numWorkers === 0 ? numWorkers : undefined };
}

/** miniai's `get_dls`: `DataLoaders.from`, its arguments in another order. */
export function getDls(
  train: Dataset,
  valid: Dataset,
  batchSize: number,
  options: Omit<DataLoadersOptions, 'batchSize'> = {},
): DataLoaders {
  return DataLoaders.from({ train, valid }, { ...options, batchSize });
}
