/** Images decoded before, gathered in random order: from the memory cache, the disk cache, and beside PyTorch. */
import { join } from 'node:path';
import type { CacheOptions } from '../src/data/cache/cache-options.js';
import { DataLoader } from '../src/data/data-loader.js';
import type { Dataset } from '../src/data/dataset.js';
import { ArrayDataset } from '../src/data/datasets/array-dataset.js';
import type { PackDataset } from '../src/data/datasets/pack.js';
import type { DataLoaderOptions } from '../src/data/loader-options.js';
import { imageBytes } from '../src/data/samples/sample-source.js';
import { dataSettings } from './data-settings.js';
import { count, counts } from './flags.js';
import { type Bench, type BenchOptions, type BenchReport, type Measurement, summarise } from './harness.js';
import { LoaderVariant, withWorkers, workerCounts } from './loader-variants.js';
import { PeerSession } from './peer-session.js';
import { pairedRatio, takeTurns, type Variant } from './rounds.js';
import { writeSamplePack } from './sample-pack.js';
import { withTemporaryFolder } from './temporary-folder.js';

const flags = {
  images: count(60_000, 'of 28 × 28: the sample, over and over'),
  batch: counts([256, 1024], 'images a batch'),
  runs: count(7, 'runs after two to warm up'),
  'run-ms': count(300, 'milliseconds of a run, at least: it is whole epochs'),
};

type Options = BenchOptions<typeof flags>;
type Measured = Pick<BenchReport, 'rows' | 'versions'>;

export const bench: Bench<typeof flags> = {
  description: 'images a second gathered in random order from the decoded cache, by one thread',
  peer: "PyTorch's DataLoader over a TensorDataset, and indexing of a tensor alone",
  flags,
  run: options =>
    withTemporaryFolder('cache', async folder => {
      const dataset = await writeSamplePack(folder, options.values.images, options.signal);
      const { rows, versions } = await measure(dataset, join(folder, 'cache'), options);
      const bytes = imageBytes(dataset.imageShape);
      return {
        settings: { ...dataSettings(), bytes: `${bytes} an image` },
        rows: rows.map(row => withBandwidth(row, bytes)),
        versions,
        notes: [
          'first epoch: decoded by one worker, and kept on the way; one run',
          'gradring: one thread gathers, a worker or the loop itself, into slots; the batches are taken and let go',
          `PyTorch: the best of ${workerCounts.join(', ')} persistent workers; batches of indices: sampler=BatchSampler, batch_size=None`,
          'the variants of a batch size take turns; ratios are taken round by round',
        ],
      };
    }),
};

async function measure(dataset: PackDataset, folder: string, options: Options): Promise<Measured> {
  const caches: Caches = { memory: { kind: 'memory' }, disk: { kind: 'disk', folder } };
  const rows = await firstEpochs(dataset, caches, options);
  const sets = { dataset, caches, raw: await decoded(dataset, caches.memory) };
  if (!options.peer) return { rows: [...rows, ...(await measureSizes(sets, options))] };
  const args = [String(options.values.images)];
  return PeerSession.over('tensors.py', args, options.peerOptions, async peer => ({
    versions: await peer.ask<Record<string, string>>({ ask: 'versions' }),
    rows: [...rows, ...(await measureSizes(sets, options, peer))],
  }));
}

type Caches = Readonly<Record<'memory' | 'disk', CacheOptions>>;

interface Sets {
  readonly dataset: Dataset;
  /** Filled. */
  readonly caches: Caches;
  /** The same images, in memory from the start. */
  readonly raw: Dataset;
}

/** Fills the caches: loaders of one dataset share them. */
async function firstEpochs(
  dataset: Dataset,
  caches: Caches,
  { values, signal }: Options,
): Promise<Measurement[]> {
  const task = { batch: values.batch[0], runMs: 0, signal };
  const rows: Measurement[] = [];
  for (const [kind, cache] of Object.entries(caches)) {
    const loader = new LoaderVariant(`${kind} cache, first epoch`, dataset, task, { numWorkers: 1, cache });
    try {
      rows.push(summarise(loader.name, 'img/s', [await loader.run()]));
      // Later epochs are not to decode some of them again.
      const { held = 0, advice } = loader.loader.cache ?? {};
      if (held < dataset.length) throw new Error(`the ${kind} cache holds ${held} images: ${advice}`);
    } finally {
      await loader.close();
    }
  }
  return rows;
}

async function decoded(dataset: Dataset, cache: CacheOptions): Promise<ArrayDataset> {
  const { imageShape, labels, classes } = dataset;
  const pixels = new Uint8Array(new SharedArrayBuffer(dataset.length * imageBytes(imageShape)));
  const loader = new DataLoader(dataset, { cache, numWorkers: 0 });
  let at = 0;
  for await (const batch of loader) {
    pixels.set(batch.pixels, at);
    at += batch.pixels.length;
  }
  await loader.close();
  return ArrayDataset.from({ pixels, labels, imageShape, classes });
}

async function measureSizes(sets: Sets, options: Options, peer?: PeerSession): Promise<Measurement[]> {
  const rows: Measurement[] = [];
  for (const batch of options.values.batch) {
    options.say(`batch ${batch}`);
    rows.push(...(await measureSize(sets, batch, options, peer)));
  }
  return rows;
}

async function measureSize(
  { dataset, caches, raw }: Sets,
  batch: number,
  { values, signal }: Options,
  peer?: PeerSession,
): Promise<Measurement[]> {
  const { runs, 'run-ms': runMs } = values;
  const open = (what: string, of: Dataset, options: DataLoaderOptions): LoaderVariant =>
    new LoaderVariant(`batch ${batch}: ${what}`, of, { batch, runMs, signal }, options);
  const ours = [
    open('memory cache, 1 worker', dataset, { cache: caches.memory, numWorkers: 1 }),
    open('memory cache, 0 workers', dataset, { cache: caches.memory, numWorkers: 0 }),
    open('disk cache, 1 worker', dataset, { cache: caches.disk, numWorkers: 1 }),
    open('ArrayDataset, 1 worker', raw, { numWorkers: 1 }),
  ];
  try {
    const peers = peer === undefined ? [] : torchVariants(peer, batch, runMs);
    const rows = await takeTurns([...ours, ...peers], { runs, signal, unit: 'img/s' });
    const [memory, , disk] = rows;
    const ratios = [disk, ...rows.slice(ours.length)].map(row => {
      const [, other] = row.name.split(': ');
      return pairedRatio(`${memory.name} ÷ ${other}`, memory, row);
    });
    return [...rows, ...ratios];
  } finally {
    for (const variant of ours) await variant.close();
  }
}

/** Ways of `peers/tensors.py`. */
const ways = {
  DataLoader: 'DataLoader(TensorDataset)',
  BatchSampler: 'DataLoader, batches of indices',
};

function torchVariants(peer: PeerSession, batch: number, ms: number): Variant[] {
  const ask = (way: string, workers: number) => () =>
    peer.ask<number>({ ask: 'rate', way, workers, batch, ms });
  const loaders = Object.entries(ways).flatMap(([way, called]) =>
    workerCounts.map(workers => ({
      name: withWorkers(`batch ${batch}: PyTorch, ${called}`, workers),
      contest: way,
      run: ask(way, workers),
    })),
  );
  return [...loaders, { name: `batch ${batch}: PyTorch, x[rows] alone`, run: ask('bare', 0) }];
}

function withBandwidth(row: Measurement, bytes: number): Measurement {
  if (row.unit !== 'img/s') return row;
  return { ...row, also: { value: (row.median * bytes) / 1e9, unit: 'GB/s' } };
}
