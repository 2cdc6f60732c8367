/** A dataset through our loader with some numbers of workers, and the same files through PyTorch's, as variants. */
import { availableParallelism } from 'node:os';
import { DataLoader } from '../src/data/data-loader.js';
import type { Dataset } from '../src/data/dataset.js';
import type { DataLoaderOptions } from '../src/data/loader-options.js';
import type { PeerOptions } from './peer.js';
import { PeerSession } from './peer-session.js';
import { epochRate, type Variant } from './rounds.js';

/** Of both sides: 0, 1, 2, 4, … up to the number of cores. */
export const workerCounts = [0, 1, 2, 4, 8, 16].filter(count => count <= Math.max(2, availableParallelism()));

/** Largest difference of the mean pixel that two resizing filters and JPEG decoders explain. */
const meanTolerance = 2;

export interface LoaderTask {
  readonly batch: number;
  /** Of a run; it is a whole number of epochs. */
  readonly runMs: number;
  readonly signal: AbortSignal;
}

/** A loader that stays from epoch to epoch, as a peer's workers do. */
export class LoaderVariant implements Variant {
  readonly name: string;
  readonly contest?: string;
  readonly dataset: Dataset;
  readonly loader: DataLoader;
  readonly #runMs: number;

  constructor(
    name: string,
    dataset: Dataset,
    { batch, runMs, signal }: LoaderTask,
    options: DataLoaderOptions,
    contest?: string,
  ) {
    this.name = name;
    this.contest = contest;
    this.dataset = dataset;
    this.loader = new DataLoader(dataset, { batchSize: batch, shuffle: true, signal, ...options });
    this.#runMs = runMs;
  }

  run(): Promise<number> {
    return epochRate(this.dataset.length, this.#runMs, () => this.epoch());
  }

  /** One epoch whose batches are taken and let go. */
  async epoch(): Promise<void> {
    for await (const _ of this.loader);
  }

  /** Of all pixels of an epoch, 0 … 255. */
  async mean(): Promise<number> {
    let sum = 0;
    let count = 0;
    for await (const { pixels } of this.loader) {
      for (const value of pixels) sum += value;
      count += pixels.length;
    }
    return sum / count;
  }

  close(): Promise<void> {
    return this.loader.close();
  }
}

/** `name, 0 workers`, `name, 1 worker`, … */
export function loaderVariants(
  name: string,
  dataset: Dataset,
  task: LoaderTask,
  contest?: string,
): LoaderVariant[] {
  return workerCounts.map(
    numWorkers => new LoaderVariant(withWorkers(name, numWorkers), dataset, task, { numWorkers }, contest),
  );
}

/** Such as `name, 1 worker`. */
export function withWorkers(name: string, workers: number): string {
  return `${name}, ${workers} ${workers === 1 ? 'worker' : 'workers'}`;
}

/** Ways to read of `peers/images.py`, and what they are called in a table. */
export const torchWays = {
  ImageFolder: 'ImageFolder + ToTensor, float32',
  read_image: 'read_image, uint8',
  PIL: 'PIL, uint8',
} as const;

export type TorchWay = keyof typeof torchWays;

/** PyTorch's DataLoader over a folder, asked run by run. */
export class TorchLoader {
  readonly #session: PeerSession;
  readonly #task: LoaderTask;

  private constructor(session: PeerSession, task: LoaderTask) {
    this.#session = session;
    this.#task = task;
  }

  static over<T>(
    folder: string,
    { imageShape: [height, width, channels] }: Dataset,
    task: LoaderTask,
    options: PeerOptions,
    work: (torch: TorchLoader) => Promise<T>,
  ): Promise<T> {
    const args = [folder, ...[channels, height, width, task.batch].map(String)];
    return PeerSession.over('images.py', args, options, session => work(new TorchLoader(session, task)));
  }

  /** A contest among the numbers of workers for each way to read. */
  variants(ways: readonly TorchWay[], prefix = ''): Variant[] {
    return ways.flatMap(way =>
      workerCounts.map(workers => ({
        name: withWorkers(`${prefix}PyTorch, ${torchWays[way]}`, workers),
        contest: `${prefix}${way}`,
        run: () => this.#session.ask<number>({ ask: 'rate', way, workers, ms: this.#task.runMs }),
      })),
    );
  }

  /** By name. */
  versions(): Promise<Record<string, string>> {
    return this.#session.ask({ ask: 'versions' });
  }

  /** @throws Error where PyTorch does not see the same images as `ours` */
  async checkSameImages(ours: LoaderVariant, way: TorchWay): Promise<void> {
    const theirs = await this.#session.ask<number>({ ask: 'mean', way });
    const mean = await ours.mean();
    if (Math.abs(mean - theirs) < meanTolerance) return;
    throw new Error(`the mean pixel is ${mean} here and ${theirs} with PyTorch's ${way}`);
  }
}
