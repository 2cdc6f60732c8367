import t from 'tap';
import { TrainCB } from '../../src/callbacks/train.js';
import { DataLoader } from '../../src/data/data-loader.js';
import { DataLoaders } from '../../src/data/data-loaders.js';
import type { IterableDataset, StreamedSample } from '../../src/data/dataset.js';
import { ArrayDataset } from '../../src/data/datasets/array-dataset.js';
import type { DataLoaderOptions } from '../../src/data/loader-options.js';
import { shuffleBuffer } from '../../src/data/samplers/shuffle-buffer.js';
import { Learner } from '../../src/learner/learner.js';
import { Purpose, Random } from '../../src/random.js';
import { FakeRunner } from '../learner/fake-runner.js';
import { readEpoch } from './fixtures.js';

const classes = ['even', 'odd'];
const imageShape = [2, 2, 1] as const;

const sample = (n: number): StreamedSample => ({ pixels: new Uint8Array(4).fill(n % 256), label: n % 2 });

/** Samples 0, 1, 2 … up to `end`, and how many were asked for and whether the stream was cleaned up. */
function counting(end = Number.POSITIVE_INFINITY, more: Partial<IterableDataset> = {}) {
  const seen = { asked: 0, returned: 0 };
  const dataset: IterableDataset = {
    classes,
    imageShape,
    async *[Symbol.asyncIterator]() {
      try {
        for (let n = 0; n < end; n++) {
          seen.asked++;
          yield sample(n);
        }
      } finally {
        seen.returned++;
      }
    },
    ...more,
  };
  return { dataset, seen };
}

const rowsOf = async (loader: DataLoader): Promise<number[][]> =>
  (await readEpoch(loader)).map(({ indices, labels, pixels }) => {
    for (const [i, row] of indices.entries())
      if (labels[i] !== row % 2 || pixels[4 * i] !== row % 256) throw new Error(`sample ${row} is another`);
    return indices;
  });

t.test('batches until the stream ends', async t => {
  const { dataset, seen } = counting(8);
  const loader = new DataLoader(dataset, { batchSize: 3 });
  t.same(await rowsOf(loader), [
    [0, 1, 2],
    [3, 4, 5],
    [6, 7],
  ]);
  t.same(await rowsOf(loader), await rowsOf(loader), 'and again');
  t.equal(seen.returned, 3);
  t.equal(loader.epoch, 3);
  t.equal((await rowsOf(new DataLoader(dataset, { batchSize: 3, dropLast: true }))).length, 2);
  t.throws(() => loader.length, { code: 'E_LOADER', where: 'samplesPerEpoch' });
  t.equal(new DataLoader(counting(8, { length: 8 }).dataset, { batchSize: 3 }).length, 3);
});

t.test('an endless stream has epochs of samplesPerEpoch, and reads no more than it holds ahead', async t => {
  const { dataset, seen } = counting();
  const loader = new DataLoader(dataset, { batchSize: 4, samplesPerEpoch: 10, prefetch: 1 });
  t.equal(loader.length, 3);
  t.same((await rowsOf(loader)).flat(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  t.equal(seen.asked, 10);
  const endless = counting();
  const ahead = new DataLoader(endless.dataset, { batchSize: 4, prefetch: 2 });
  let batches = 0;
  for await (const { index } of ahead) {
    batches++;
    // Three slots: one in use, two ahead; and the sample that waits for the next.
    t.ok(endless.seen.asked <= 4 * (index + 3) + 1, `batch ${index}: ${endless.seen.asked} asked for`);
    if (index === 5) break;
  }
  t.same([batches, endless.seen.returned, ahead.filled], [6, 1, 0]);
});

t.test('a shuffle buffer: every item once, none much too early, by seed and epoch', async t => {
  const shuffled = async (count: number, size: number, epoch = 0): Promise<number[]> => {
    const random = new Random({ seed: 7, purpose: Purpose.shuffle, epoch });
    async function* items() {
      for (let n = 0; n < count; n++) yield n;
    }
    const order: number[] = [];
    for await (const item of shuffleBuffer(items(), size, random)) order.push(item);
    return order;
  };
  for (const [count, size] of [
    [0, 5],
    [3, 5],
    [100, 1],
    [100, 8],
    [100, 100],
    [100, 1000],
  ]) {
    const order = await shuffled(count, size);
    t.same(
      order.toSorted((a, b) => a - b),
      [...Array(count).keys()],
    );
    t.ok(order.every((item, place) => item < place + size));
    if (size > 1 && count > 10) t.notSame(order, await shuffled(count, size, 1), 'another epoch');
    t.same(order, await shuffled(count, size));
  }
  // With a buffer of everything, each item comes first equally often: 500 of 2000 with a deviation of 19.
  const first = [0, 0, 0, 0];
  for (let epoch = 0; epoch < 2000; epoch++) first[(await shuffled(4, 4, epoch))[0]]++;
  t.ok(
    first.every(times => Math.abs(times - 500) < 90),
    first.join(),
  );
});

t.test('a stream is resumed at any batch, shuffled or not', async t => {
  for (const shuffle of [0, 6]) {
    const loader = new DataLoader(counting().dataset, {
      batchSize: 4,
      samplesPerEpoch: 30,
      shuffleBuffer: shuffle,
      seed: 5,
    });
    loader.epoch = 2;
    const whole = await rowsOf(loader);
    t.equal(new Set(whole.flat()).size, 30);
    for (let startBatch = 0; startBatch <= 8; startBatch++) {
      Object.assign(loader, { epoch: 2, startBatch });
      t.same(await rowsOf(loader), whole.slice(startBatch), `from batch ${startBatch}`);
    }
  }
  const epochs: number[] = [];
  const told = counting(4, { setEpoch: epoch => epochs.push(epoch) });
  const loader = new DataLoader(told.dataset);
  await rowsOf(loader);
  loader.epoch = 7;
  await rowsOf(loader);
  t.same(epochs, [0, 7]);
});

t.test('what a stream does wrong', async t => {
  const read = (dataset: IterableDataset, options?: DataLoaderOptions) =>
    readEpoch(new DataLoader(dataset, { batchSize: 4, ...options }));
  const few = counting(9, { name: 'the queue' }).dataset;
  await t.rejects(read(few, { samplesPerEpoch: 12 }), {
    code: 'E_LOADER',
    message: 'the queue ended after 9 samples, an epoch has 12',
  });
  const odd = counting(9, { classes: ['even'], name: 'the queue' }).dataset;
  await t.rejects(read(odd), {
    code: 'E_SAMPLE',
    message: 'cannot use sample 1 of the queue: its label is 1, outside 0 … 0',
  });
  const broken: IterableDataset = {
    classes,
    imageShape,
    async *[Symbol.asyncIterator]() {
      yield sample(0);
      throw new Error('the line is dead');
    },
  };
  await t.rejects(read(broken), { message: 'the line is dead' });
  for (const [options, where] of [
    [{ shuffle: true }, 'shuffle'],
    [{ sampler: { length: 1, indices: () => [0] } }, 'sampler'],
    [{ numWorkers: 2 }, 'numWorkers'],
    [{ samplesPerEpoch: 0 }, 'samplesPerEpoch'],
  ] as const)
    t.throws(() => new DataLoader(few, options), { code: 'E_LOADER', where });
});

t.test('a Learner trains on a stream; what counts in epochs asks for their length', async t => {
  const pixels = new Uint8Array(8);
  const valid = ArrayDataset.from({ pixels, labels: [0, 1], imageShape, classes });
  const dls = (options: DataLoaderOptions) =>
    DataLoaders.from({ train: counting().dataset, valid }, { batchSize: 4, numWorkers: 0, train: options });
  const loaders = dls({ samplesPerEpoch: 10 });
  const runner = new FakeRunner();
  const learn = new Learner(runner, loaders, { cbs: [new TrainCB()] });
  t.equal(learn.stepsPerEpoch, 3);
  await learn.fit(2);
  t.same(
    runner.batches.map(({ size }) => size),
    [4, 4, 2, 2, 4, 4, 2, 2],
  );
  t.equal(loaders.valid.batchSize, 8);
  const unknown = new Learner(new FakeRunner(), dls({}));
  t.throws(() => unknown.stepsPerEpoch, { code: 'E_LOADER', where: 'samplesPerEpoch' });
});
