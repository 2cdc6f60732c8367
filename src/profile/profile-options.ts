/** What is to be measured: the settings of a training, and a few of the measurement's own. */
import { availableParallelism } from 'node:os';
import type { Dataset } from '../data/dataset.js';
import type { OpenDataOptions } from '../data/open-dataset.js';
import { ConfigError } from '../errors.js';
import type { TrainConfig, TrainOptions } from '../run/config.js';
import { resolveConfig } from '../run/resolve-config.js';

/** Those of a training that say how data are loaded and what trains on them; defaults as there. */
type RunOptions = Pick<
  TrainOptions,
  | 'imageColumn'
  | 'labelColumn'
  | 'imageSize'
  | 'fit'
  | 'kernel'
  | 'channels'
  | 'maxPixels'
  | 'maxFileBytes'
  | 'allowOutside'
  | 'validSplit'
  | 'batchSize'
  | 'cache'
  | 'seed'
  | 'model'
  | 'recipe'
  | 'options'
  | 'gpus'
  | 'engine'
  | 'precision'
>;

export interface LoaderProfileOptions extends RunOptions {
  /** As `openData` takes it, or a dataset that is open. Default `sample`. */
  readonly data?: string | Dataset;
  /** Numbers of decode threads to measure. Default 0, 1, 2, 4 … up to the cores; 0 for a dataset without a source. */
  readonly workers?: readonly number[];
  /** Batches decoded ahead. Default 2. */
  readonly prefetch?: number;
  /** Of each measurement, after as much again, but half, to warm up. Default 2. */
  readonly seconds?: number;
  /** Measure what the devices take, and train on the real data. Default true. */
  readonly device?: boolean;
}

/** What the caller gives and is given beside the settings. */
export interface LoaderProfileContext {
  /** Ends the measurement with an AbortedError. */
  readonly signal?: AbortSignal;
  /** Told what is measured next, for people. */
  readonly onProgress?: (what: string) => void;
  /** Told while the data are downloaded or unpacked. */
  readonly onDataProgress?: OpenDataOptions['onProgress'];
}

export interface ProfilePlan {
  /** Of the training that is imitated. */
  readonly config: TrainConfig;
  readonly data: string | Dataset;
  /** Ascending, each once; undefined: by cores and dataset. */
  readonly workers: readonly number[] | undefined;
  readonly prefetch: number;
  readonly seconds: number;
  readonly device: boolean;
}

/** Fills in defaults. @throws ConfigError naming the option */
export function planProfile(options: LoaderProfileOptions): ProfilePlan {
  const { data = 'sample', workers, prefetch = 2, seconds = 2, device = true, ...run } = options;
  const config = resolveConfig({ ...run, ...(typeof data === 'string' ? { data } : {}) });
  if (!(seconds > 0 && seconds <= 3600)) {
    throw new ConfigError(`seconds is ${seconds}`, { where: 'seconds', hint: 'above 0, at most 3600' });
  }
  if (!Number.isInteger(prefetch) || prefetch < 1 || prefetch > 1024) {
    throw new ConfigError(`prefetch is ${prefetch}`, { where: 'prefetch', hint: 'a whole number, 1 … 1024' });
  }
  const isCount = (count: number): boolean => Number.isInteger(count) && count >= 0 && count <= 256;
  if (workers !== undefined && (workers.length === 0 || !workers.every(isCount))) {
    throw new ConfigError(`workers is ${workers.join(', ') || 'an empty list'}`, {
      where: 'workers',
      hint: 'whole numbers of threads, 0 … 256, such as 0,1,2,4',
    });
  }
  const counts = workers && [...new Set(workers)].sort((a, b) => a - b);
  return { config, data, workers: counts, prefetch, seconds, device };
}

/** 0, 1, 2, 4 … up to the cores, and all cores. */
export function workerCounts(cores = availableParallelism()): number[] {
  const counts = [0];
  for (let count = 1; count < cores; count *= 2) counts.push(count);
  return [...counts, cores];
}
