/** The order of samples, whoever reads them: for any number of workers, any prefetch, and from any batch on. */
import { mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import t from 'tap';
import { DataLoader } from '../../src/data/data-loader.js';
import type { Dataset } from '../../src/data/dataset.js';
import { ArrayDataset } from '../../src/data/datasets/array-dataset.js';
import { ImageFolder } from '../../src/data/datasets/image-folder.js';
import { DecodePool } from '../../src/data/fill/decode-pool.js';
import {
  classBalancedWeights,
  WeightedRandomSampler,
} from '../../src/data/samplers/weighted-random-sampler.js';
import { Purpose, Random } from '../../src/random.js';
import { type Folder, imageFolder } from './fixtures.js';

const count = 96;
let folder: Folder;
let datasets: Record<string, Dataset>;

/** FNV-1a over the pixels of one image, after its row and label: nothing of a sample can be lost or swapped unseen. */
function checksum(row: number, label: number, pixels: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const value of [row, label, ...pixels]) hash = Math.imul(hash ^ value, 0x01000193);
  return hash >>> 0;
}

/** Checksums of an epoch's samples, batch by batch. */
async function checksums(loader: DataLoader): Promise<number[][]> {
  const batches: number[][] = [];
  for await (const { pixels, labels, indices, size } of loader) {
    const bytes = pixels.length / size;
    batches.push(
      [...indices].map((row, i) => checksum(row, labels[i], pixels.subarray(i * bytes, (i + 1) * bytes))),
    );
  }
  return batches;
}

async function interlaced(from: string, to: string): Promise<string> {
  const files = readdirSync(from, { recursive: true, encoding: 'utf8' }).filter(name =>
    name.endsWith('.png'),
  );
  for (const name of files) {
    mkdirSync(dirname(join(to, name)), { recursive: true });
    await sharp(join(from, name)).toColourspace('b-w').png({ progressive: true }).toFile(join(to, name));
  }
  return to;
}

t.before(async () => {
  folder = await imageFolder(join(t.testdir(), 'images'), count / 3);
  const images = await ImageFolder.open(folder.root);
  const { classes, imageShape, labels } = images;
  const get = async (index: number) => ({ pixels: folder.pixels[index], label: folder.labels[index], index });
  const own = { length: count, classes, imageShape, labels, get, describe: String };
  datasets = {
    images,
    // Decoded by sharp, several at once: they are done in any order.
    interlaced: await ImageFolder.open(await interlaced(folder.root, join(t.testdirName, 'interlaced'))),
    memory: ArrayDataset.from({ pixels: Buffer.concat(folder.pixels), labels, imageShape, classes }),
    own,
    batches: { ...own, getBatch: indices => Promise.all(indices.map(get)) },
  };
});

t.test('any workers, prefetch, batch size and dataset give the samples that the sampler says', async t => {
  const random = new Random({ seed: 11, purpose: Purpose.split });
  const pools = [1, 2, 3].map(size => new DecodePool(size));
  for (let trial = 0; trial < 60; trial++) {
    const [name, dataset] = Object.entries(datasets)[random.below(5)];
    const workers = dataset.source === undefined ? 0 : random.below(4);
    const batchSize = 1 + random.below(count + 10);
    const prefetch = 1 + random.below(5);
    const seed = random.below(1000);
    const threads = workers === 0 ? { numWorkers: 0 } : { pool: pools[workers - 1] };
    const cached = dataset.source !== undefined && random.below(3) === 0;
    const options = {
      batchSize,
      prefetch,
      seed,
      cache: cached ? 'memory' : 'none',
      shuffle: true,
      dropLast: trial % 3 === 0 && batchSize <= count,
    } as const;
    const loader = new DataLoader(dataset, { ...options, ...threads });
    loader.epoch = random.below(5);
    const rows = new Random({ seed, purpose: Purpose.shuffle, epoch: loader.epoch }).shuffle(
      Uint32Array.from({ length: count }, (_, row) => row),
    );
    const used = options.dropLast ? count - (count % batchSize) : count;
    const expected = [...rows.subarray(0, used)].map(row =>
      checksum(row, folder.labels[row], folder.pixels[row]),
    );
    const given = await checksums(loader);
    if (given.flat().join() !== expected.join())
      t.fail(`${name}, ${workers} workers, ${JSON.stringify(options)}`);
  }
  for (const pool of pools) await pool.close();
  t.pass('60 settings');
});

t.test('from any batch on, an epoch is what is left of the whole', async t => {
  const pool = new DecodePool(2);
  for (const dataset of Object.values(datasets)) {
    const sampler = new WeightedRandomSampler(classBalancedWeights(dataset.labels), 70, { seed: 2 });
    const threads = dataset.source === undefined ? {} : { pool };
    const loader = new DataLoader(dataset, { sampler, batchSize: 9, ...threads });
    loader.epoch = 3;
    const whole = await checksums(loader);
    t.equal(whole.flat().length, 70);
    for (let startBatch = 0; startBatch <= loader.length; startBatch++) {
      Object.assign(loader, { epoch: 3, startBatch });
      t.same(await checksums(loader), whole.slice(startBatch), `from batch ${startBatch}`);
    }
  }
  await pool.close();
});

t.test("random numbers of a user's samples depend on seed, epoch and place alone", async t => {
  const { own } = datasets;
  const draws = async (dataset: Dataset, seed: number, epoch: number, startBatch = 0, prefetch = 2) => {
    const loader = new DataLoader(dataset, { batchSize: 10, seed, prefetch });
    Object.assign(loader, { epoch, startBatch });
    const values: number[] = [];
    for await (const { pixels, size } of loader)
      for (let i = 0; i < size; i++) values.push(pixels[(i * pixels.length) / size]);
    return values;
  };
  const pixel = (value: number) => new Uint8Array(30).fill(value);
  const get: Dataset['get'] = async (index, context) => ({
    pixels: pixel(context?.random.below(256) ?? 0),
    label: 0,
    index,
  });
  const single: Dataset = { ...own, get };
  const together: Dataset = {
    ...single,
    getBatch: (rows, contexts) => Promise.all(rows.map((row, i) => get(row, contexts?.[i]))),
  };
  const reference = await draws(single, 1, 4);
  t.ok(new Set(reference).size > 50, 'each sample has its own');
  t.same(await draws(together, 1, 4), reference, 'one by one or in batches');
  t.same(await draws(single, 1, 4, 0, 7), reference, 'whatever is read ahead');
  t.same(await draws(single, 1, 4, 3), reference.slice(30), 'in a resumed epoch');
  t.same(await draws(together, 1, 4, 3), reference.slice(30));
  t.notSame(await draws(single, 1, 5), reference, 'another epoch');
  t.notSame(await draws(single, 2, 4), reference, 'another seed');
  const twice = new DataLoader(single, {
    batchSize: 2,
    sampler: { length: 2, indices: () => [5, 5] },
  });
  for await (const { pixels } of twice) t.not(pixels[0], pixels[30], 'a row that is drawn twice has two');
});
