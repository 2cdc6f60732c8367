import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { DataLoader } from '../../src/data/data-loader.js';
import { DataLoaders } from '../../src/data/data-loaders.js';
import type { Dataset } from '../../src/data/dataset.js';
import { IdxDataset } from '../../src/data/datasets/idx.js';
import { ImageFolder } from '../../src/data/datasets/image-folder.js';
import { Subset } from '../../src/data/datasets/subset.js';
import { DecodePool } from '../../src/data/fill/decode-pool.js';
import type { DataLoaderOptions } from '../../src/data/loader-options.js';
import { type Folder, idx, imageFolder, readEpoch } from './fixtures.js';

const perClass = 40;
const size = 3 * perClass;
let folder: Folder;
let images: ImageFolder;
let raw: IdxDataset;

t.before(async () => {
  const root = t.testdir();
  folder = await imageFolder(join(root, 'images'), perClass);
  images = await ImageFolder.open(folder.root);
  writeFileSync(join(root, 'i'), idx(Buffer.concat(folder.pixels), [size, 6, 5]));
  writeFileSync(join(root, 'l'), idx(Uint8Array.from(folder.labels), [size]));
  raw = await IdxDataset.open(join(root, 'i'), join(root, 'l'));
});

/** The same samples, but only through `get`. */
const own = (): Dataset => ({
  length: size,
  classes: images.classes,
  imageShape: images.imageShape,
  labels: images.labels,
  get: async index => ({ pixels: folder.pixels[index], label: folder.labels[index], index }),
  describe: index => `row ${index}`,
});

/** Turns the event loop until `done`; the test's own timeout is the bound. */
async function until(done: () => boolean): Promise<void> {
  while (!done()) await turn();
}

t.test('order and content do not depend on threads, prefetch or source', async t => {
  const options = { batchSize: 13, shuffle: true, seed: 5 };
  const reference = await readEpoch(new DataLoader(own(), options));
  t.same(
    reference.flatMap(({ indices }) => indices).sort((a, b) => a - b),
    [...Array(size).keys()],
  );
  for (const { pixels, indices, labels } of reference) {
    t.same(pixels, Buffer.concat(indices.map(row => folder.pixels[row])));
    t.same(
      labels,
      indices.map(row => folder.labels[row]),
    );
  }
  for (const dataset of [images, raw]) {
    for (const [numWorkers, prefetch] of [
      [0, 1],
      [1, 2],
      [2, 1],
      [3, 5],
    ]) {
      const loader = new DataLoader(dataset, { ...options, numWorkers, prefetch });
      t.same(await readEpoch(loader), reference, `${numWorkers} threads, prefetch ${prefetch}`);
      const second = await readEpoch(loader);
      t.same(
        second.map(({ epoch }) => epoch),
        second.map(() => 1),
      );
      t.notSame(second[0].indices, reference[0].indices, 'another order in the next epoch');
      loader.epoch = 0;
      t.same(await readEpoch(loader), reference, 'an epoch can be served again');
      await loader.close();
    }
  }
});

t.test('a subset keeps the rows of the whole, images and raw pixels alike', async t => {
  const rows = [119, 0, 57, 57, 3];
  for (const dataset of [images, raw]) {
    const subset = new Subset(dataset, rows);
    const loader = new DataLoader(subset, { numWorkers: 1 });
    const [batch] = await readEpoch(loader);
    t.same(batch.pixels, Buffer.concat(rows.map(row => folder.pixels[row])));
    t.same(
      batch.labels,
      rows.map(row => folder.labels[row]),
    );
    t.same((await subset.get(2)).pixels, folder.pixels[57]);
    await loader.close();
  }
});

t.test('every sample once, whatever the sizes, over one pool', async t => {
  const pool = new DecodePool(2);
  for (let batchSize = 1; batchSize <= 50; batchSize += 7) {
    for (const dropLast of [false, true]) {
      const loader = new DataLoader(raw, { batchSize, dropLast, pool });
      const batches = await readEpoch(loader);
      t.equal(batches.length, loader.length);
      const seen = batches.flatMap(({ indices }) => indices);
      const expected = dropLast ? Math.floor(size / batchSize) * batchSize : size;
      t.same(seen, [...Array(expected).keys()], `batch size ${batchSize}, dropLast ${dropLast}`);
    }
  }
  await pool.close();
});

t.test('leaving the loop frees everything, and the loader goes on', async t => {
  for (const numWorkers of [0, 2]) {
    const loader = new DataLoader(images, { batchSize: 8, numWorkers });
    for await (const batch of loader) if (batch.index === 1) break;
    t.equal(loader.filled, 0, 'no epoch under way after break');
    await t.rejects(
      (async () => {
        for await (const batch of loader) throw new Error(`thrown in batch ${batch.index}`);
      })(),
      { message: 'thrown in batch 0' },
    );
    t.equal(loader.epoch, 2);
    t.equal((await readEpoch(loader)).length, 15);
    await loader.close();
    await loader.close();
    await t.rejects(readEpoch(loader), { code: 'E_LOADER', message: 'the loader is closed' });
  }
});

t.test('a damaged file fails while decoders wait for a slot', async t => {
  const { root } = await imageFolder(t.testdir(), 10);
  writeFileSync(join(root, 'ant', '000.png'), 'no image');
  const dataset = await ImageFolder.open(root, { imageSize: [6, 5], channels: 1 });
  for (const numWorkers of [0, 1, 2]) {
    const loader = new DataLoader(dataset, { numWorkers, batchSize: 4, prefetch: 1 });
    await t.rejects(readEpoch(loader), { code: 'E_SAMPLE', message: /ant.000\.png \(row 0 of / });
    await loader.close();
  }
});

t.test('one loop at a time', async t => {
  const loader = new DataLoader(raw, { numWorkers: 0 });
  for await (const _ of loader) {
    await t.rejects(readEpoch(loader), { code: 'E_LOADER', message: /iterated already/ });
    break;
  }
  t.equal((await readEpoch(loader)).length, 2);
});

t.test('close and abort end a loop that is under way', async t => {
  for (const numWorkers of [0, 2]) {
    const closing = new DataLoader(images, { batchSize: 8, numWorkers });
    const closed = (async () => {
      for await (const _ of closing) await closing.close();
    })();
    await t.rejects(closed, { code: 'E_LOADER', message: 'the loader is closed' });

    const controller = new AbortController();
    const loader = new DataLoader(images, { batchSize: 8, numWorkers, signal: controller.signal });
    const reason = new Error('enough');
    const aborted = (async () => {
      for await (const batch of loader) if (batch.index === 2) controller.abort(reason);
    })();
    await t.rejects(aborted, { code: 'E_ABORTED', cause: reason });
    await t.rejects(readEpoch(loader), { code: 'E_ABORTED' }, 'and none begins any more');
    await loader.close();
  }
});

t.test('an abort ends a wait for a sample that never comes', async t => {
  const controller = new AbortController();
  let asked = 0;
  let give: () => void = () => undefined;
  const late = new Promise<void>(resolve => {
    give = resolve;
  });
  const get = async (index: number) => {
    asked++;
    await late;
    return { pixels: new Uint8Array(30), label: 0, index };
  };
  const loader = new DataLoader({ ...own(), get }, { signal: controller.signal });
  const waiting = loader[Symbol.asyncIterator]().next();
  await until(() => asked > 0);
  controller.abort();
  // The loop ends only when nothing can write into its slots any more.
  give();
  await t.rejects(waiting, { code: 'E_ABORTED' });
});

t.test('backpressure: prefetch batches are decoded ahead, and the one in use is left alone', async t => {
  for (const [numWorkers, prefetch] of [
    [0, 1],
    [1, 1],
    [2, 3],
  ]) {
    const loader = new DataLoader(raw, { batchSize: 8, prefetch, numWorkers });
    let last = -1;
    for await (const batch of loader) {
      const ahead = Math.min(prefetch + 1, loader.length - batch.index);
      await until(() => loader.filled === ahead);
      // Decoders that did not wait would write on now.
      for (let i = 0; i < 5; i++) await turn();
      const first = batch.index * 8;
      const expected = Buffer.concat(folder.pixels.slice(first, first + 8));
      if (loader.filled > ahead || !expected.equals(batch.pixels))
        t.fail(`batch ${batch.index} was overwritten`);
      last = batch.index;
    }
    t.equal(last, 14, `${numWorkers} threads, prefetch ${prefetch}`);
    await loader.close();
  }
});

t.test('a pool that is closed under its epoch is an error, never a hang', async t => {
  const pool = new DecodePool(2);
  const loader = new DataLoader(images, { batchSize: 8, pool });
  const closing = (async () => {
    for await (const batch of loader) if (batch.index === 1) await pool.close();
  })();
  await t.rejects(closing, { code: 'E_LOADER', message: 'the decode pool is closed' });
  await t.rejects(readEpoch(loader), { code: 'E_LOADER', message: 'the decode pool is closed' });
});

t.test('two loaders share a pool at the same time, each stalled in turn', async t => {
  const loaders = DataLoaders.from(
    { train: images, valid: raw },
    { batchSize: 8, numWorkers: 1, prefetch: 1 },
  );
  t.equal(loaders.valid.batchSize, 16);
  t.equal(loaders.pool?.size, 1);
  let inner = 0;
  let outer = 0;
  for await (const batch of loaders.train) {
    outer++;
    if (batch.index % 5 === 0) for await (const { size: count } of loaders.valid) inner += count;
  }
  t.same([outer, inner], [15, 3 * size]);
  const shuffled = await readEpoch(loaders.train);
  const ordered = await readEpoch(loaders.valid);
  t.notSame(shuffled[0].indices, [...Array(8).keys()]);
  t.same(
    ordered.flatMap(({ indices }) => indices),
    [...Array(size).keys()],
  );
  await loaders.close();
  await loaders.close();
});

t.test('a collate of the user fills the slot; a wrong one is refused', async t => {
  const read = (collate: DataLoaderOptions['collate']) =>
    readEpoch(new DataLoader(images, { batchSize: 50, numWorkers: 1, collate }));
  const batches = await read(samples => ({
    pixels: Buffer.concat(samples.map(({ pixels }) => pixels.map(value => 255 - value))),
    labels: Int32Array.from(samples, ({ index }) => index % 2),
  }));
  t.same(
    batches.map(({ indices }) => indices.length),
    [50, 50, 20],
  );
  t.same(
    Buffer.concat(batches.map(({ pixels }) => pixels)),
    Buffer.concat(folder.pixels).map(value => 255 - value),
  );
  t.same(batches[2].labels.slice(0, 4), [0, 1, 0, 1]);
  await t.rejects(
    read(([first]) => ({ pixels: first.pixels, labels: new Int32Array(50) })),
    { code: 'E_LOADER', message: /collate returned 30 pixels, the batch has 1500/ },
  );
});

t.test('samplers of the user', async t => {
  const read = (options: DataLoaderOptions) => readEpoch(new DataLoader(raw, { numWorkers: 0, ...options }));
  const picked = await read({ batchSize: 2, sampler: { length: 3, indices: epoch => [9, epoch, 9] } });
  t.same(
    picked.map(({ indices }) => indices),
    [[9, 0], [9]],
  );
  const batches = [[5], [1, 2, 3], [7, 8]];
  const uneven = await read({ batchSampler: { length: 3, batchSize: 3, batches: () => batches } });
  t.same(
    uneven.map(({ indices }) => indices),
    batches,
  );
  const broken = { length: 1, batchSize: 2, batches: () => [[0, size]] };
  await t.rejects(read({ batchSampler: broken }), {
    code: 'E_LOADER',
    message: /row 120 in batch 0, .* 120 rows/,
  });
  const long = { length: 1, batchSize: 2, batches: () => [[0, 1, 2]] };
  await t.rejects(read({ batchSampler: long }), { code: 'E_LOADER', message: /batch 0 of 3 rows/ });
  const few = { length: 2, batchSize: 2, batches: () => [[0, 1]] };
  await t.rejects(read({ batchSampler: few }), { code: 'E_LOADER', message: /1 batches, its length is 2/ });
});

t.test('what a dataset of the user does wrong names the row', async t => {
  const read = (change: Partial<Dataset>) => readEpoch(new DataLoader({ ...own(), ...change }));
  const pixels = new Uint8Array(30);
  await t.rejects(
    read({
      get: async index => {
        throw new Error(`disk ${index}`);
      },
    }),
    { code: 'E_SAMPLE', message: 'cannot use row 0: disk 0' },
  );
  await t.rejects(read({ get: async index => ({ pixels: new Uint8Array(7), label: 0, index }) }), {
    code: 'E_SAMPLE',
    message: 'cannot use row 0: it has 7 bytes, an image of the dataset has 30',
  });
  await t.rejects(read({ get: async index => ({ pixels, label: 3, index }) }), {
    code: 'E_SAMPLE',
    message: 'cannot use row 0: its label is 3, outside 0 … 2',
  });
});

t.test('a file that vanishes under the loader; the pool survives it', async t => {
  const { root } = await imageFolder(join(t.testdir(), 'vanishing'), 10);
  const dataset = await ImageFolder.open(root);
  const pool = new DecodePool(2);
  // In the first batch decoders are at work on the next ones; at the end they have nothing else to do.
  for (const [name, row] of [
    ['cat/009', 29],
    ['ant/003', 3],
  ] as const) {
    rmSync(join(root, `${name}.png`));
    for (const threads of [{ numWorkers: 0 }, { numWorkers: 1 }, { pool }]) {
      const loader = new DataLoader(dataset, { ...threads, batchSize: 4, prefetch: 1 });
      await t.rejects(readEpoch(loader), {
        code: 'E_SAMPLE',
        name: 'SampleError',
        message: `cannot read ${join(root, name)}.png (row ${row} of ${root}): ENOENT`,
        cause: { code: 'ENOENT' },
      });
      await loader.close();
    }
  }
  t.equal((await readEpoch(new DataLoader(images, { pool }))).length, 2);
  await pool.close();
});
