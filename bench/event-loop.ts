/** How long the main thread's event loop is held up while images are loaded at full speed. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { ImageFolder } from '../src/data/datasets/image-folder.js';
import { dataSettings } from './data-settings.js';
import { count } from './flags.js';
import { type Bench, type BenchOptions, type Measurement, summarise } from './harness.js';
import { samplePngs, writeImageFolder } from './image-sets.js';
import { LoaderVariant, withWorkers } from './loader-variants.js';
import { takeTurns, type Variant } from './rounds.js';
import { writeSamplePack } from './sample-pack.js';
import { withTemporaryFolder } from './temporary-folder.js';

const flags = {
  images: count(10_000, 'PNGs of the sample in the folder'),
  cached: count(60_000, 'decoded images in the memory cache'),
  batch: count(256, 'images a batch'),
  runs: count(5, 'runs after two to warm up'),
  'run-ms': count(2000, 'milliseconds of a run, at least: it is whole epochs'),
};

type Options = BenchOptions<typeof flags>;

/** Milliseconds from one look at the loop to the next: an idle loop shows a little more. */
const resolution = 1;
const nanoseconds = 1e6;

export const bench: Bench<typeof flags> = {
  description: "milliseconds that the main thread's event loop is held up while loading at full speed",
  flags,
  run: options =>
    withTemporaryFolder('event-loop', async folder => ({
      settings: dataSettings(),
      rows: await measure(folder, options),
      notes: [
        'delay: the 99th percentile of the time between two looks at the event loop that are due 1 ms apart (perf_hooks.monitorEventLoopDelay); also: the longest of all runs',
        'idle: nothing but a timer runs',
        'rate: of the same runs; batches are taken and let go',
      ],
    })),
};

async function measure(folder: string, { values, signal }: Options): Promise<Measurement[]> {
  const { images, cached, batch, runs, 'run-ms': runMs } = values;
  await writeImageFolder(folder, await samplePngs(images), 'png', signal);
  const files = await ImageFolder.open(folder);
  const pack = await writeSamplePack(folder, cached, signal);
  const task = { batch, runMs, signal };
  const loaders = [2, 0].flatMap(numWorkers => [
    new LoaderVariant(withWorkers('folder of PNGs', numWorkers), files, task, { numWorkers }),
    new LoaderVariant(withWorkers('memory cache', Math.min(numWorkers, 1)), pack, task, {
      numWorkers: Math.min(numWorkers, 1),
      cache: 'memory',
    }),
  ]);
  const idle = { name: 'idle', run: () => delay(runMs, 0, { signal }) };
  const watched = [idle, ...loaders].map(variant => new Watched(variant));
  try {
    const delays = await takeTurns(watched, { runs, signal, unit: 'ms' });
    return delays.flatMap((row, i) => {
      // Those before were to warm up.
      const longest = Math.max(...watched[i].longest.slice(-runs));
      const delayed = { ...row, name: `${row.name}: delay`, also: { value: longest, unit: 'ms longest' } };
      if (i === 0) return [delayed];
      return [delayed, summarise(`${row.name}: rate`, 'img/s', watched[i].figures.slice(-runs))];
    });
  } finally {
    for (const loader of loaders) await loader.close();
  }
}

/** Another variant, whose figure is now the delay of the event loop meanwhile. */
class Watched implements Variant {
  readonly name: string;
  /** What the variant itself says, run by run. */
  readonly figures: number[] = [];
  /** Longest delay of each run, milliseconds. */
  readonly longest: number[] = [];
  readonly #variant: Pick<Variant, 'name' | 'run'>;

  constructor(variant: Pick<Variant, 'name' | 'run'>) {
    this.name = variant.name;
    this.#variant = variant;
  }

  async run(): Promise<number> {
    const histogram = monitorEventLoopDelay({ resolution });
    histogram.enable();
    this.figures.push(await this.#variant.run());
    // A delay is noted when it is over, which the run's last one may not be yet.
    await delay(2 * resolution);
    histogram.disable();
    this.longest.push(histogram.max / nanoseconds);
    return histogram.percentile(99) / nanoseconds;
  }
}
