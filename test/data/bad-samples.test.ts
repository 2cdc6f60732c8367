/** Samples that cannot be used: left out of their batch, counted, listed, and bounded. */
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { DataLoader } from '../../src/data/data-loader.js';
import { DataLoaders } from '../../src/data/data-loaders.js';
import type { Dataset } from '../../src/data/dataset.js';
import { ArrayDataset } from '../../src/data/datasets/array-dataset.js';
import { ImageFolder } from '../../src/data/datasets/image-folder.js';
import { PackDataset } from '../../src/data/datasets/pack.js';
import { Subset } from '../../src/data/datasets/subset.js';
import type { DataLoaderOptions } from '../../src/data/loader-options.js';
import { packDataset } from '../../src/data/pack-dataset.js';
import type { RunWarning } from '../../src/protocol/warning.js';
import { type Copied, imageFolder, noise, readEpoch } from './fixtures.js';

const shape = [6, 5, 1] as const;
const bytes = 30;
/** Rows of the folder that are damaged, and how. */
const damage: Readonly<Record<number, (file: string) => void>> = {
  3: file => truncateSync(file, 40),
  4: file => writeFileSync(file, 'no image'),
  17: file => writeFileSync(file, ''),
  40: file => writeFileSync(file, readFileSync(file).fill(7, 60)),
};
const bad = Object.keys(damage).map(Number);

const folder = await imageFolder(join(t.testdir(), 'images'), 20, shape);
const images = await ImageFolder.open(folder.root);
const intact = join(t.testdirName, 'intact.pack');
await packDataset(images, intact);
for (const [row, spoil] of Object.entries(damage)) spoil(images.describe(Number(row)).split(' (row')[0]);

/** What a loader without the bad rows would give: the batches of the plan, without them. */
function without(plan: readonly Copied[], rows: readonly number[]): Copied[] {
  return plan.map(batch => {
    const places = [...batch.indices.keys()].filter(place => !rows.includes(batch.indices[place]));
    return {
      ...batch,
      indices: places.map(place => batch.indices[place]),
      labels: places.map(place => batch.labels[place]),
      pixels: Buffer.concat(places.map(place => batch.pixels.subarray(place * bytes, (place + 1) * bytes))),
    };
  });
}

async function epochOf(dataset: Dataset, options: DataLoaderOptions, startBatch = 0): Promise<Copied[]> {
  const loader = new DataLoader(dataset, options);
  loader.startBatch = startBatch;
  try {
    return await readEpoch(loader);
  } finally {
    await loader.close();
  }
}

const order = { batchSize: 8, shuffle: true, seed: 5 } as const;
const plan = await epochOf(await PackDataset.open(intact), { ...order, numWorkers: 0 });
const skip = { ...order, onBadSample: 'skip' } as const;

t.test('bad samples are left out in order, whoever decodes, and each is told of once', async t => {
  const expected = without(plan, bad);
  t.ok(expected.some(({ indices }) => indices.length < 8));
  for (const numWorkers of [0, 1, 2]) {
    for (const cache of ['none', 'memory'] as const) {
      const warnings: RunWarning[] = [];
      const told: number[] = [];
      const loader = new DataLoader(images, {
        ...skip,
        numWorkers,
        cache,
        onWarning: warning => warnings.push(warning),
        onBadRow: ({ row }) => told.push(row),
      });
      const name = `${numWorkers} threads, cache ${cache}`;
      t.same(await readEpoch(loader), expected, name);
      loader.epoch = 0;
      t.same(await readEpoch(loader), expected, `${name}, again`);
      const inPlan = plan.flatMap(({ indices }) => indices).filter(row => bad.includes(row));
      t.same(told, inPlan, 'in the order of the epoch');
      t.same(
        loader.badSamples.map(({ row, where }) => [row, where]),
        inPlan.map(row => [row, images.describe(row)]),
      );
      t.ok(loader.badSamples.every(({ reason }) => reason.length > 5));
      t.match(warnings, { length: bad.length, 0: { code: 'W_BAD_SAMPLE', message: /^left out .*png/ } });
      t.equal(loader.stats.images, images.length - bad.length);
      if (cache === 'memory') t.equal(loader.cache?.held, images.length - bad.length, 'and none is kept');
      await loader.close();
    }
  }
  t.same(await epochOf(images, { ...skip, numWorkers: 2 }, 4), expected.slice(4), 'from the middle on');
  await t.rejects(epochOf(images, order), { code: 'E_SAMPLE' }, 'by default the first one ends the epoch');
});

t.test('damaged records of packs, and subsets', async t => {
  const pack = join(t.testdir(), 'damaged.pack');
  const whole = readFileSync(intact);
  const { source } = await PackDataset.open(intact);
  if (source.storage.kind !== 'records') return t.fail('a pack has records');
  const start = source.storage.starts[12];
  writeFileSync(pack, whole.fill(0, start, start + 20));
  const damaged = await PackDataset.open(pack);
  t.same(await epochOf(damaged, { ...skip, numWorkers: 1 }), without(plan, [12]));
  const loader = new DataLoader(new Subset(damaged, [11, 12, 13]), { onBadSample: 'skip', numWorkers: 1 });
  const [{ indices }] = await readEpoch(loader);
  t.same(indices, [0, 2]);
  t.match(loader.badSamples, [{ row: 1, where: `row 12 of ${pack}`, reason: /./ }]);
  await loader.close();
});

t.test('limits: too many bad rows, and a batch of nothing else', async t => {
  for (const numWorkers of [0, 2]) {
    const options = { ...skip, numWorkers };
    await t.rejects(epochOf(images, { ...options, maxBadSamples: 3 }), {
      code: 'E_SAMPLE',
      message: /^more than 3 samples cannot be used: (.*\.png \(row \d+ of .*?\): .*?; ){3}.*\.png/s,
      hint: /maxBadSamples/,
    });
    t.equal((await epochOf(images, { ...options, maxBadSamples: 4 })).length, plan.length);
    await t.rejects(epochOf(images, { onBadSample: 'skip', batchSize: 1, numWorkers }), {
      code: 'E_SAMPLE',
      message: `no sample of batch 3 of epoch 0 can be used: ${images.describe(3)}: `,
    });
  }
  for (const [options, where] of [
    [{ onBadSample: 'ignore' as 'skip' }, 'onBadSample'],
    [{ maxBadSamples: -1 }, 'maxBadSamples'],
  ] as const)
    t.throws(() => new DataLoader(images, options), { code: 'E_LOADER', where });
});

t.test('a dataset of the user’s own: by rows, and by batches', async t => {
  const data = ArrayDataset.from({
    pixels: noise(20, shape),
    labels: new Int32Array(20),
    imageShape: shape,
    classes: ['one'],
  });
  const { length, classes, imageShape, labels } = data;
  const get: Dataset['get'] = async index => {
    if (index === 6) throw new Error('the sensor was off');
    const sample = await data.get(index);
    return index === 9 ? { ...sample, label: 5 } : sample;
  };
  const own: Dataset = { length, classes, imageShape, labels, get, describe: row => `row ${row}` };
  const getBatch: Dataset['getBatch'] = rows => Promise.all(rows.map(row => get(row)));
  const expected = without(await epochOf(data, { batchSize: 8, numWorkers: 0 }), [6, 9]);
  for (const dataset of [own, { ...own, getBatch }]) {
    const loader = new DataLoader(dataset, { batchSize: 8, onBadSample: 'skip' });
    t.same(await readEpoch(loader), expected);
    t.same(loader.badSamples, [
      { row: 6, where: 'row 6', reason: 'the sensor was off' },
      { row: 9, where: 'row 9', reason: 'cannot use row 9: its label is 5, outside 0 … 0' },
    ]);
  }
});

t.test('both loaders of a pair skip, the one for other data does not', async t => {
  const pair = { train: images, valid: images };
  const rows: string[] = [];
  const loaders = DataLoaders.from(pair, {
    ...skip,
    shuffle: undefined,
    numWorkers: 1,
    train: { onBadRow: ({ row }) => rows.push(`train ${row}`) },
    valid: { onBadRow: ({ row }) => rows.push(`valid ${row}`) },
  });
  await readEpoch(loaders.train);
  await readEpoch(loaders.valid);
  t.same(rows.sort(), bad.flatMap(row => [`train ${row}`, `valid ${row}`]).sort());
  const other = loaders.valid.testLoader(images);
  await t.rejects(readEpoch(other), { code: 'E_SAMPLE' });
  await other.close();
  await loaders.close();
});
