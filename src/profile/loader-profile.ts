/** What a profile of a loader holds: plain data, as `--json` writes it. docs/profiler.md describes every field. */
import type { CacheKind } from '../data/cache/cache-options.js';
import type { ImageShape } from '../protocol/batch.js';
import type { Percentiles } from '../statistics.js';
import type { ProcessLoad } from './process-watch.js';
import type { Rates } from './rate-windows.js';
import type { Verdict } from './verdict.js';

/** Where the time of one sample goes, on one thread: microseconds, means over the samples looked at. */
export interface SampleSteps {
  /** Opening, reading and closing the file, or reading its part of a larger one. */
  readonly read: number;
  /** Undoing the compression, where it is a step of its own: PNG. */
  readonly inflate: number;
  /** What else the decoder does: un-filtering, its pipeline, resizing, colour. Of a dataset of the user's own: its `get`. */
  readonly decode: number;
  /** Copying the pixels to the batch; 0 where they are decoded or read to where they belong. */
  readonly copy: number;
  /** The sum of these. */
  readonly total: number;
}

export interface DatasetProfile {
  readonly name: string;
  readonly images: number;
  readonly classes: number;
  readonly imageShape: ImageShape;
  /** `files`, `records` (packs, shards), `raw` (pixels in memory), `concatenated`, or `own`: only the caller can read it. */
  readonly storage: 'files' | 'records' | 'raw' | 'concatenated' | 'own';
  /** Whether its images have to be decoded. */
  readonly decoded: boolean;
  /** Of all images, uint8. */
  readonly pixelBytes: number;
  /** Samples that the next three are of, spread evenly over the dataset. */
  readonly sampled: number;
  /** null where there are no files. */
  readonly meanFileBytes: number | null;
  /** Share of them that each decoder serves, 0 … 1; empty where nothing is decoded. */
  readonly decoders: Readonly<Record<string, number>>;
  readonly stepsUs: SampleSteps;
}

/** A loader with so many decode threads, at full speed. */
export interface WorkersProfile extends Rates, Omit<ProcessLoad, 'cpuUs'> {
  readonly workers: number;
  /** From the making of the loader to its first batch: threads, decoders, and the batch. */
  readonly firstBatchMs: number;
  /** Processor time of all threads, microseconds: it says more than a rate on a machine that does other things too. */
  readonly cpuUsPerImage: number;
  /** Share of the decoders' time in which they had no slot to write to, 0 … 1: then the consumer is the slower one. */
  readonly slotWaitShare: number;
}

/** Training steps on a batch that is there already. */
export interface DeviceProfile extends Rates {
  readonly engine: string;
  readonly devices: readonly string[];
  /** Set where the devices are not what was asked for. */
  readonly deviceNote?: string;
  readonly model: string;
  readonly parameters: number;
}

/** Training steps on the data. */
export interface TrainingProfile extends Rates {
  readonly workers: number;
  /** Waiting for data, a batch. */
  readonly waitMs: Percentiles;
  /** Share of the time spent waiting for data, 0 … 1. */
  readonly dataShare: number;
}

export interface LoaderProfile {
  /** Of this layout. */
  readonly version: 1;
  readonly settings: {
    readonly batchSize: number;
    readonly prefetch: number;
    readonly cache: CacheKind;
    /** Of each measurement. */
    readonly seconds: number;
    /** Threads that a training uses by default. */
    readonly autoWorkers: number;
  };
  readonly machine: {
    readonly node: string;
    readonly platform: string;
    readonly processor: string;
    readonly cores: number;
    /** Processes that ran or waited for a core before the start, mean of a minute; 0 where the system does not tell. */
    readonly loadAverage: number;
    /** What a cache of decoded pixels in memory may take by default. */
    readonly memoryForCacheBytes: number;
    /** libuv's threads, which sharp decodes on. */
    readonly libuvThreads: number;
  };
  readonly dataset: DatasetProfile;
  /** By number of threads, ascending. */
  readonly workers: readonly WorkersProfile[];
  /** Pixels of the same shape in memory, gathered in random order by one thread: what a cache would give. */
  readonly gather: Rates;
  /** null where the devices were not measured. */
  readonly device: DeviceProfile | null;
  readonly training: TrainingProfile | null;
  readonly verdict: Verdict;
}
