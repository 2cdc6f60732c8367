/** Loaders with a cache give what loaders without one give, and stop decoding. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import zlib from 'node:zlib';
import t from 'tap';
import { checksum, tableChecksum } from '../../../src/data/cache/checksum.js';
import { DataLoader } from '../../../src/data/data-loader.js';
import { DataLoaders } from '../../../src/data/data-loaders.js';
import type { Dataset } from '../../../src/data/dataset.js';
import { ArrayDataset } from '../../../src/data/datasets/array-dataset.js';
import { concat } from '../../../src/data/datasets/concat.js';
import { ImageFolder } from '../../../src/data/datasets/image-folder.js';
import { PackDataset } from '../../../src/data/datasets/pack.js';
import { Subset, stratifiedSplit } from '../../../src/data/datasets/subset.js';
import { writePack } from '../../../src/data/datasets/write-pack.js';
import { LoaderError, SampleError } from '../../../src/errors.js';
import { type Copied, imageFolder, noise, readEpoch } from '../fixtures.js';

const perClass = 30;
const size = 3 * perClass;
const shape = [6, 5, 1] as const;
const rowBytes = 30;
const order = { batchSize: 16, shuffle: true, seed: 3 };

interface Opened {
  readonly root: string;
  readonly images: ImageFolder;
  /** Two epochs without a cache. */
  readonly plain: readonly Copied[][];
}

async function open(root: string): Promise<Opened> {
  const folder = join(root, 'images');
  await imageFolder(folder, perClass, shape);
  const images = await ImageFolder.open(folder);
  return { root, images, plain: await epochs(new DataLoader(images, { ...order, numWorkers: 0 }), 2) };
}

async function epochs(loader: DataLoader, count: number): Promise<Copied[][]> {
  const read: Copied[][] = [];
  for (let epoch = 0; epoch < count; epoch++) read.push(await readEpoch(loader));
  await loader.close();
  return read;
}

for (const kind of ['memory', 'disk'] as const) {
  for (const numWorkers of [0, 1, 2]) {
    t.test(`${kind}, ${numWorkers} threads: the same batches, and nothing is decoded twice`, async t => {
      const { root, images, plain } = await open(t.testdir());
      const cache = kind === 'disk' ? { kind, folder: join(root, 'cache') } : kind;
      const loader = new DataLoader(images, { ...order, numWorkers, cache });
      t.equal(loader.cache?.held, 0);
      const first = await readEpoch(loader);
      t.same(first, plain[0]);
      const { held, bytes, limit, advice } = loader.cache ?? {};
      t.same(
        { held, bytes, limit, advice },
        { held: size, bytes: size * rowBytes, limit: size, advice: undefined },
      );
      rmSync(images.source.storage.kind === 'files' ? images.source.storage.root : '', { recursive: true });
      t.same(await readEpoch(loader), plain[1], 'with the images gone');
      await loader.close();
      await t.rejects(readEpoch(new DataLoader(images, { numWorkers: 0 })), SampleError, 'they are gone');
    });
  }
}

t.test('subsets of a dataset share its cache; so do loaders at work at the same time', async t => {
  const { images } = await open(t.testdir());
  const { train, valid } = stratifiedSplit(images, 0.3, 1);
  const loaders = DataLoaders.from({ train, valid }, { batchSize: 8, numWorkers: 2, cache: 'memory' });
  const uncached = DataLoaders.from({ train, valid }, { batchSize: 8, numWorkers: 0 });
  for (let epoch = 0; epoch < 2; epoch++) {
    const [ofTrain, ofValid] = await Promise.all([readEpoch(loaders.train), readEpoch(loaders.valid)]);
    t.same(ofTrain, await readEpoch(uncached.train));
    t.same(ofValid, await readEpoch(uncached.valid));
  }
  t.equal(loaders.train.cache?.held, size);
  t.equal(loaders.valid.cache?.held, size);
  const twice = [1, 2].map(() => new DataLoader(images, { ...order, numWorkers: 1, cache: 'memory' }));
  const [a, b] = await Promise.all(twice.map(readEpoch));
  t.same(a, b);
  await Promise.all([loaders, uncached, ...twice].map(loader => loader.close()));
});

t.test('a bound is kept: rows beyond it are decoded each time, and the loader says so', async t => {
  for (const kind of ['memory', 'disk'] as const) {
    const { root, images, plain } = await open(join(t.testdir(), kind));
    const folder = kind === 'disk' ? join(root, 'cache') : undefined;
    const cache = { kind, folder, maxBytes: 40 * rowBytes + 7 };
    const loader = new DataLoader(images, { ...order, numWorkers: 1, cache });
    t.same(await readEpoch(loader), plain[0]);
    t.same(await readEpoch(loader), plain[1]);
    t.equal(loader.cache?.held, 40);
    t.match(loader.cache?.advice, /room for 40 of 90 images.*maxBytes/);
    const within = new DataLoader(new Subset(images, [39, 0]), { numWorkers: 0, cache });
    const beyond = new DataLoader(new Subset(images, [40]), { numWorkers: 0, cache });
    rmSync(join(root, 'images'), { recursive: true });
    t.same((await readEpoch(within))[0].pixels, Buffer.concat([39, 0].map(row => pixelsOf(plain[0], row))));
    await t.rejects(readEpoch(beyond), { name: 'SampleError', message: /row 40/ });
    await loader.close();
  }
});

function pixelsOf(epoch: readonly Copied[], row: number): Buffer {
  const batch = epoch.find(({ indices }) => indices.includes(row)) as Copied;
  const at = batch.indices.indexOf(row) * rowBytes;
  return batch.pixels.subarray(at, at + rowBytes);
}

t.test('packs and sources made of several are cached; pixels in memory are not copied', async t => {
  const { root, images, plain } = await open(t.testdir());
  const pixels = noise(4, shape);
  const more = ArrayDataset.from({
    pixels,
    labels: [0, 1, 2, 0],
    imageShape: shape,
    classes: images.classes,
  });
  t.equal(new DataLoader(more, { cache: 'memory' }).cache, undefined);
  const all = concat([images, more]);
  for (const cache of ['memory', { kind: 'disk', folder: join(root, 'cache') }] as const) {
    const loader = new DataLoader(all, { batchSize: 94, numWorkers: 1, cache });
    const [first, second] = await epochs(loader, 2);
    t.same(first[0].pixels.subarray(size * rowBytes), Buffer.from(pixels));
    t.same(pixelsOf(first, 50), pixelsOf(plain[0], 50));
    t.same(second[0].pixels, first[0].pixels);
    t.equal(loader.cache?.held, size + 4);
  }
  const file = join(root, 'raw.pack');
  const header = {
    count: 4,
    classes: [...images.classes],
    imageShape: [6, 5, 1] as [number, number, 1],
    source: 'noise',
    licence: 'CC0',
  };
  const records = Array.from({ length: 4 }, (_, row) => ({
    bytes: pixels.subarray(row * rowBytes, (row + 1) * rowBytes),
    label: 0,
  }));
  await writePack(file, { ...header, encoding: 'raw' }, records);
  const pack = await PackDataset.open(file);
  t.equal(new DataLoader(pack, { cache: 'disk' }).cache, undefined, 'they are on the disk already');
  const loader = new DataLoader(pack, { numWorkers: 0, cache: 'memory' });
  const [first, second] = await epochs(loader, 2);
  t.same(first[0].pixels, Buffer.from(pixels));
  t.same(second[0].pixels, first[0].pixels);
});

t.test('what cannot be cached is refused', async t => {
  const { root, images } = await open(t.testdir());
  const { classes, imageShape, labels } = images;
  const own: Dataset = {
    length: size,
    classes,
    imageShape,
    labels,
    get: index => images.get(index),
    describe: index => `row ${index}`,
  };
  t.throws(() => new DataLoader(own, { cache: 'memory' }), { code: 'E_LOADER', where: 'cache' });
  const wrong = [
    ['ram', 'cache'],
    [{ kind: 'memory', maxBytes: -1 }, 'cache.maxBytes'],
    [{ kind: 'memory', folder: root }, 'cache.folder'],
    [{ kind: 'disk', folder: join(root, 'images/ant/000.png/cache') }, 'cache'],
  ] as const;
  for (const [cache, where] of wrong) {
    t.throws(() => new DataLoader(images, { cache: cache as 'memory' }), { name: LoaderError.name, where });
  }
});

t.test('the checksum is CRC-32', t => {
  const text = Buffer.from('123456789');
  t.equal(tableChecksum(text), 0xcbf4_3926);
  t.equal(checksum(text), 0xcbf4_3926);
  t.equal(tableChecksum(noise(3, [101])), (zlib.crc32 ?? tableChecksum)(noise(3, [101])));
  t.end();
});
