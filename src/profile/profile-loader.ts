/** Measures a loader and the devices it feeds, one after the other, and says which of them holds the other one up. */
import { availableParallelism, cpus, loadavg } from 'node:os';
import { type CacheKind, memoryShare } from '../data/cache/cache-options.js';
import { DataLoader } from '../data/data-loader.js';
import type { Dataset } from '../data/dataset.js';
import { ArrayDataset } from '../data/datasets/array-dataset.js';
import { workersFor } from '../data/loader-options.js';
import { imageBytes, needsDecoder } from '../data/samples/sample-source.js';
import { AbortedError } from '../errors.js';
import { openRunData } from '../run/open-run-data.js';
import { ProfiledTraining, transforms } from './device.js';
import { driveLoader } from './drive-loader.js';
import type { DatasetProfile, LoaderProfile, WorkersProfile } from './loader-profile.js';
import {
  type LoaderProfileContext,
  type LoaderProfileOptions,
  type ProfilePlan,
  planProfile,
  workerCounts,
} from './profile-options.js';
import type { Rates } from './rate-windows.js';
import { sampleSteps } from './sample-steps.js';
import { situationOf } from './situation.js';
import { judge } from './verdict.js';

/** Most that the pixels for the gather take: far more than a processor's caches hold. */
const GATHER_BYTES = 64 * 2 ** 20;

/**
 * Measures a loader: its throughput with several numbers of threads, where a sample's time goes, what the devices would
 * take, and what a training gets. Nothing is written but what a `disk` cache keeps; every thread is closed at the end.
 *
 * @throws ConfigError, DatasetError, SampleError, DeviceError and the like, AbortedError by the signal
 */
export async function profileLoader(
  options: LoaderProfileOptions = {},
  context: LoaderProfileContext = {},
): Promise<LoaderProfile> {
  const plan = planProfile(options);
  const { signal } = context;
  try {
    const { name, dataset } = await openTarget(plan, context);
    return await new Profiler(plan, context, name, dataset).run();
  } catch (cause) {
    if (!signal?.aborted || cause instanceof AbortedError) throw cause;
    throw new AbortedError('the measurement was aborted', { where: 'profileLoader', cause });
  }
}

async function openTarget(
  { data, config }: ProfilePlan,
  { signal, onDataProgress }: LoaderProfileContext,
): Promise<{ name: string; dataset: Dataset }> {
  if (typeof data !== 'string') return { name: data.source?.name ?? 'own dataset', dataset: data };
  const { name, train } = await openRunData(config, { signal, onProgress: onDataProgress });
  return { name, dataset: train };
}

class Profiler {
  readonly #plan: ProfilePlan;
  readonly #context: LoaderProfileContext;
  readonly #name: string;
  readonly #dataset: Dataset;
  readonly #cache: CacheKind;

  constructor(plan: ProfilePlan, context: LoaderProfileContext, name: string, dataset: Dataset) {
    this.#plan = plan;
    this.#context = context;
    this.#name = name;
    this.#dataset = dataset;
    // Whatever the caller alone can read has no storage to be cached.
    this.#cache = dataset.source === undefined ? 'none' : plan.config.cache;
  }

  async run(): Promise<LoaderProfile> {
    const { config, prefetch, seconds } = this.#plan;
    const loadAverage = loadavg()[0];
    const autoWorkers = workersFor(this.#dataset, {});
    const dataset = await this.#describe();
    const workers = await this.#curve();
    const gather = await this.#gather();
    const trained = nearestTo(autoWorkers, workers).workers;
    const { device, training } = await this.#devices(trained);
    const measured = {
      version: 1 as const,
      settings: { batchSize: config.batchSize, prefetch, cache: this.#cache, seconds, autoWorkers },
      machine: machine(loadAverage),
      dataset,
      workers,
      gather,
      device,
      training,
    };
    return { ...measured, verdict: judge(situationOf(measured, trained)) };
  }

  async #describe(): Promise<DatasetProfile> {
    this.#tell('one sample, step by step');
    const { length, classes, imageShape, source } = this.#dataset;
    const { seconds, config } = this.#plan;
    const { signal } = this.#context;
    return {
      name: this.#name,
      images: length,
      classes: classes.length,
      imageShape,
      storage: source?.storage.kind ?? 'own',
      decoded: source === undefined || needsDecoder(source),
      pixelBytes: length * imageBytes(imageShape),
      ...(await sampleSteps(this.#dataset, { seconds, seed: config.seed, signal })),
    };
  }

  async #curve(): Promise<WorkersProfile[]> {
    const counts = this.#plan.workers ?? (this.#dataset.source === undefined ? [0] : workerCounts());
    const profiles: WorkersProfile[] = [];
    for (const workers of counts) {
      this.#tell(`the loader with ${workers} ${workers === 1 ? 'worker' : 'workers'}`);
      profiles.push(await this.#drive(this.#dataset, workers, this.#cache));
    }
    return profiles;
  }

  /** Noise would be no slower: what the pixels are makes no difference to a copy. */
  async #gather(): Promise<Rates> {
    this.#tell('pixels in memory, the ceiling');
    const { imageShape } = this.#dataset;
    const bytes = imageBytes(imageShape);
    const count = Math.max(Math.floor(GATHER_BYTES / bytes), 2 * this.#plan.config.batchSize);
    const pixels = new Uint8Array(new SharedArrayBuffer(count * bytes));
    const labels = new Int32Array(count);
    const inMemory = ArrayDataset.from({ pixels, labels, imageShape, classes: ['any'] });
    const { imagesPerSecond, batchMs } = await this.#drive(inMemory, 1, 'none');
    return { imagesPerSecond, batchMs };
  }

  async #drive(dataset: Dataset, workers: number, cache: CacheKind): Promise<WorkersProfile> {
    const { signal } = this.#context;
    const loader = this.#loader(dataset, workers, cache);
    try {
      const wholeEpoch = cache !== 'none';
      return await driveLoader(loader, { seconds: this.#plan.seconds, workers, wholeEpoch, signal });
    } finally {
      await loader.close();
    }
  }

  async #devices(workers: number): Promise<Pick<LoaderProfile, 'device' | 'training'>> {
    const { config, seconds, device } = this.#plan;
    if (!device) return { device: null, training: null };
    this.#tell('the devices');
    const loader = this.#loader(this.#dataset, workers, this.#cache);
    let training: ProfiledTraining | undefined;
    try {
      training = await ProfiledTraining.open(config, this.#dataset, this.#context.signal);
      const appetite = await training.appetite(this.#dataset, config.batchSize, seconds);
      this.#tell('a training on the data');
      return { device: appetite, training: await training.train(loader, workers, seconds) };
    } finally {
      await Promise.all([training?.close(), loader.close()]);
    }
  }

  #loader(dataset: Dataset, numWorkers: number, cache: CacheKind): DataLoader {
    const { config, prefetch } = this.#plan;
    const { batchSize, seed } = config;
    const { signal } = this.#context;
    const same = { batchSize, seed, prefetch, shuffle: true, transforms, signal };
    return new DataLoader(dataset, { ...same, numWorkers, cache });
  }

  #tell(what: string): void {
    this.#context.signal?.throwIfAborted();
    this.#context.onProgress?.(what);
  }
}

function machine(loadAverage: number): LoaderProfile['machine'] {
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    loadAverage,
    memoryForCacheBytes: memoryShare(),
    libuvThreads: Number(process.env.UV_THREADPOOL_SIZE) || 4,
  };
}

const nearestTo = (wanted: number, profiles: readonly WorkersProfile[]): WorkersProfile =>
  profiles.reduce((a, b) => (Math.abs(b.workers - wanted) < Math.abs(a.workers - wanted) ? b : a));
