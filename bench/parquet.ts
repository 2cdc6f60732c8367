/** A Parquet file of 28 × 28 PNGs beside a folder of the same files, and the memory that its copying to a pack takes. */

import { execFile } from 'node:child_process';
import { rm, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Dataset } from '../src/data/dataset.js';
import { ImageFolder } from '../src/data/datasets/image-folder.js';
import { openParquet } from '../src/data/parquet/open-parquet.js';
import { threadUrl } from '../src/thread-url.js';
import { dataSettings } from './data-settings.js';
import { count } from './flags.js';
import { type Bench, type BenchOptions, type Measurement, summarise } from './harness.js';
import { type ImageFile, photos, samplePngs, writeImageFolder } from './image-sets.js';
import type { Ingested } from './ingest-process.js';
import { LoaderVariant, loaderVariants, workerCounts } from './loader-variants.js';
import { runPeer } from './peer.js';
import { figure } from './report.js';
import { pairedRatio, takeTurns, type Variant } from './rounds.js';
import { withTemporaryFolder } from './temporary-folder.js';

const run = promisify(execFile);

const flags = {
  images: count(10_000, 'PNGs of the sample, in one row group'),
  photos: count(300, 'PNGs of 256 × 256, for the memory of their copying; and four times as many'),
  'group-rows': count(50, 'photos in a row group; and once all of them in one'),
  batch: count(256, 'images a batch'),
  runs: count(7, 'runs after two to warm up'),
  'run-ms': count(400, 'milliseconds of a run, at least: it is whole epochs'),
};

type Options = BenchOptions<typeof flags>;

const megabyte = 1e6;

export const bench: Bench<typeof flags> = {
  description:
    'a Parquet file of PNGs beside a folder of them; wants a --python with pyarrow, which writes it',
  flags,
  run: options =>
    withTemporaryFolder('parquet', async folder => {
      const sample = await writeBoth(
        join(folder, 'sample'),
        await samplePngs(options.values.images),
        options,
      );
      const first = await firstEpochs(sample, options);
      const later = await laterEpochs(sample, options);
      const memory = await copying({ ...options, folder });
      return {
        settings: dataSettings(),
        rows: [...first, ...later, ...memory],
        versions: { pyarrow: sample.pyarrow },
        notes: [
          'first epoch: from opening to the end, threads started and, for Parquet, a pack written anew in each run',
          `later epochs: the best of ${workerCounts.join(', ')} workers; the ratio is taken round by round`,
          'peak memory: resident in a process that only copies, beyond what it had before',
        ],
      };
    }),
};

/** The same images twice. */
interface Both {
  /** Class folders. */
  readonly files: string;
  readonly parquet: string;
  /** Version of what wrote it. */
  readonly pyarrow: string;
  /** For what comes of them. */
  readonly folder: string;
}

/** @param groupRows of a row group; default: all in one */
async function writeBoth(
  folder: string,
  images: readonly ImageFile[],
  options: Options,
  groupRows = images.length,
): Promise<Both> {
  const [files, parquet] = [join(folder, 'files'), join(folder, 'train.parquet')];
  await writeImageFolder(files, images, 'png', options.signal);
  const args = [files, parquet, String(groupRows)];
  const { pyarrow } = (await runPeer('parquet.py', args, options.peerOptions)) as { pyarrow: string };
  return { files, parquet, pyarrow, folder };
}

const openFiles = ({ files }: Both): Promise<Dataset> => ImageFolder.open(files);

async function openPacked({ parquet }: Both, cacheDir: string): Promise<Dataset> {
  return (await openParquet(parquet, { cacheDir })).dataset('train');
}

/** Seconds until a dataset that nobody has opened before has been gone through. */
async function firstEpochs(both: Both, { values, signal }: Options): Promise<Measurement[]> {
  const numWorkers = Math.min(2, availableParallelism());
  const timed = (name: string, open: () => Promise<Dataset>): Variant => ({
    name: `${name}, first epoch`,
    async run() {
      const start = performance.now();
      const task = { batch: values.batch, runMs: 0, signal };
      const loader = new LoaderVariant(name, await open(), task, { numWorkers });
      await loader.epoch();
      const seconds = (performance.now() - start) / 1000;
      await loader.close();
      return seconds;
    },
  });
  let packs = 0;
  const variants = [
    timed('folder', () => openFiles(both)),
    timed('Parquet', () => openPacked(both, join(both.folder, `first-${packs++}`))),
  ];
  return takeTurns(variants, { runs: values.runs, signal, unit: 's' });
}

async function laterEpochs(both: Both, { values, signal }: Options): Promise<Measurement[]> {
  const { batch, runs, 'run-ms': runMs } = values;
  const task = { batch, runMs, signal };
  const [files, packed] = [await openFiles(both), await openPacked(both, join(both.folder, 'packs'))];
  const variants = [
    ...loaderVariants('folder', files, task, 'folder'),
    ...loaderVariants('Parquet', packed, task, 'Parquet'),
  ];
  try {
    const [ofFiles, ofParquet] = await takeTurns(variants, { runs, signal, unit: 'img/s' });
    return [ofFiles, ofParquet, pairedRatio('Parquet ÷ folder', ofParquet, ofFiles)];
  } finally {
    for (const variant of variants) await variant.close();
  }
}

/** How many times as many photos show whether memory grows with the file. */
const times = 4;

async function copying({
  folder,
  ...options
}: Options & { readonly folder: string }): Promise<Measurement[]> {
  const { photos: count, 'group-rows': groupRows } = options.values;
  const some: ImageFile[] = [];
  for await (const photo of photos({ count, width: 256, height: 256, format: 'png' })) some.push(photo);
  const more = Array.from({ length: times }, () => some).flat();
  const cases = [
    { images: some, rows: groupRows },
    { images: more, rows: groupRows },
    { images: some, rows: count },
  ];
  const measured: Measurement[] = [];
  for (const [i, { images, rows }] of cases.entries()) {
    const both = await writeBoth(join(folder, `copying-${i}`), images, options, rows);
    const fileBytes = (await stat(both.parquet)).size;
    const [file, group] = [fileBytes, (fileBytes * rows) / images.length].map(bytes =>
      figure(bytes / megabyte),
    );
    options.say(`copying ${file} MB, ${group} MB a row group`);
    measured.push(...(await copies(`copying ${file} MB of photos, ${group} MB a row group`, both, options)));
    await rm(both.folder, { recursive: true });
  }
  return measured;
}

/** Each in a process of its own. */
async function copies(name: string, { parquet, folder }: Both, { values, signal }: Options) {
  const program = fileURLToPath(threadUrl('./ingest-process', import.meta.url));
  const rates: number[] = [];
  const peaks: number[] = [];
  for (let i = 0; i < values.runs; i++) {
    const cache = join(folder, 'copy');
    const { stdout } = await run(process.execPath, [program, parquet, cache], { signal });
    const { rows, seconds, peakBytes } = JSON.parse(stdout) as Ingested;
    rates.push(rows / seconds);
    if (peakBytes !== null) peaks.push(peakBytes / megabyte);
    await rm(cache, { recursive: true });
  }
  const rate = summarise(name, 'img/s', rates);
  return peaks.length > 0 ? [rate, summarise(`${name}: peak memory`, 'MB', peaks)] : [rate];
}
