import t from 'tap';
import { collate } from '../../../src/data/collate.js';
import { DataLoader } from '../../../src/data/data-loader.js';
import { slotViews } from '../../../src/data/fill/batch-slots.js';
import { defaultPoolSize, libuvAdvice } from '../../../src/data/fill/decode-pool.js';
import { BatchSampler } from '../../../src/data/samplers/batch-sampler.js';
import { Sampler } from '../../../src/data/samplers/sampler.js';

t.test('every index once, for every size and batch size', async t => {
  for (let size = 1; size <= 50; size++) {
    for (const shuffle of [false, true]) {
      const sampler = new Sampler(size, { shuffle, seed: size });
      for (const batchSize of [1, 2, 3, 7, 16, 49, 50, 64]) {
        const kept = new BatchSampler(sampler, batchSize);
        const batches = [...kept.batches(3)];
        const dropped = new BatchSampler(sampler, batchSize, true);
        const rows = batches.flatMap(batch => [...batch]);
        const right =
          new Set(rows).size === size &&
          rows.every(row => row >= 0 && row < size) &&
          rows.length === size &&
          batches.length === kept.length &&
          batches.slice(0, -1).every(batch => batch.length === batchSize) &&
          [...dropped.batches(3)].length === dropped.length &&
          [...dropped.batches(3)].every(batch => batch.length === batchSize);
        if (!right) t.fail(`size ${size}, batch size ${batchSize}, shuffle ${shuffle}`);
      }
    }
  }
  t.pass('sizes 1 – 50');
});

t.test('an order depends on seed and epoch alone', async t => {
  const order = (seed: number, epoch: number): string =>
    new Sampler(100, { shuffle: true, seed }).indices(epoch).join();
  t.equal(order(1, 5), order(1, 5));
  const orders = [order(1, 0), order(1, 1), order(2, 0), order(2, 1), order(2 ** 40 + 1, 0)];
  t.equal(new Set(orders).size, orders.length);
  t.same(new Sampler({ length: 3 }).indices(9), Uint32Array.of(0, 1, 2));
});

t.test('a permutation is uniform: each row takes each place equally often', async t => {
  const counts = Array.from({ length: 5 }, () => Array(5).fill(0));
  const sampler = new Sampler(5, { shuffle: true });
  for (let epoch = 0; epoch < 5000; epoch++) {
    for (const [place, row] of sampler.indices(epoch).entries()) counts[place][row]++;
  }
  // 1000 expected, standard deviation 28.
  t.ok(
    counts.flat().every(count => Math.abs(count - 1000) < 150),
    counts.join(' | '),
  );
});

t.test('collate stacks', async t => {
  const sample = (value: number) => ({ pixels: Uint8Array.of(value, value + 1), label: value, index: 0 });
  t.same(collate([sample(1), sample(5)]), { pixels: Uint8Array.of(1, 2, 5, 6), labels: Int32Array.of(1, 5) });
});

t.test('the parts of a slot do not overlap', async t => {
  const layout = { capacity: 3, imageShape: [3, 3, 1] } as const;
  const { pixels, labels, indices } = slotViews(new SharedArrayBuffer(28 + 24), layout);
  pixels.fill(255);
  labels.fill(-2);
  indices.fill(7);
  t.ok(pixels.every(value => value === 255) && labels.every(value => value === -2));
  t.same(slotViews(labels.buffer as SharedArrayBuffer, layout, 2).indices, Uint32Array.of(7, 7));
});

t.test('sizes of pools', async t => {
  t.same([1, 2, 3, 8, 64].map(defaultPoolSize), [1, 2, 2, 7, 16]);
  t.equal(libuvAdvice(4, undefined), undefined);
  t.match(libuvAdvice(6, undefined), /6 decode threads share 4 libuv threads: set UV_THREADPOOL_SIZE=6/);
  t.match(libuvAdvice(4, '2'), /UV_THREADPOOL_SIZE=4/);
  t.equal(libuvAdvice(8, '8'), undefined);
});

t.test('unusable options are refused by name', async t => {
  const dataset = {
    length: 3,
    classes: ['a'],
    imageShape: [1, 1, 1] as const,
    labels: new Int32Array(3),
    get: async (index: number) => ({ pixels: new Uint8Array(1), label: 0, index }),
    describe: (index: number) => `pixel ${index}`,
  };
  const sampler = new Sampler(3);
  for (const [options, where] of [
    [{ batchSize: 0 }, 'batchSize'],
    [{ batchSize: 1.5 }, 'batchSize'],
    [{ prefetch: 0 }, 'prefetch'],
    [{ seed: -1 }, 'seed'],
    [{ numWorkers: -1 }, 'numWorkers'],
    [{ numWorkers: 1 }, 'numWorkers'],
    [{ batchSize: 4, dropLast: true }, 'batchSize'],
    [{ sampler, shuffle: true }, 'shuffle'],
    [{ batchSampler: new BatchSampler(sampler, 2), batchSize: 2 }, 'batchSize'],
  ] as const) {
    t.throws(() => new DataLoader(dataset, options), { code: 'E_LOADER', where }, JSON.stringify(options));
  }
  const few = { ...dataset, labels: new Int32Array(2) };
  t.throws(() => new DataLoader(few), { code: 'E_DATASET', message: /3 samples and 2 labels/ });
  const bad = { ...dataset, labels: Int32Array.of(0, 1, 0) };
  t.throws(() => new DataLoader(bad), { code: 'E_DATASET', message: /label 1 of pixel 1 is outside 0 … 0/ });
});
