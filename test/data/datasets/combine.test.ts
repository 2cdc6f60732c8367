/** Datasets made of datasets: joined, split, transformed. */
import { join } from 'node:path';
import t from 'tap';
import { DataLoader } from '../../../src/data/data-loader.js';
import type { Dataset } from '../../../src/data/dataset.js';
import { ArrayDataset } from '../../../src/data/datasets/array-dataset.js';
import { concat } from '../../../src/data/datasets/concat.js';
import { ImageFolder } from '../../../src/data/datasets/image-folder.js';
import { split } from '../../../src/data/datasets/split.js';
import { Subset } from '../../../src/data/datasets/subset.js';
import { withTransform } from '../../../src/data/datasets/transformed.js';
import { Purpose, Random } from '../../../src/random.js';
import { imageFolder, noise, readEpoch } from '../fixtures.js';

const shape = [6, 5, 1] as const;

function inMemory(labels: readonly number[], classes: readonly string[], seed: number): ArrayDataset {
  return ArrayDataset.from({ pixels: noise(labels.length, shape, seed), labels, imageShape: shape, classes });
}

/** A dataset without a source: one of the user's own. */
function asOwn(dataset: Dataset): Dataset {
  const { length, classes, imageShape, labels } = dataset;
  return {
    length,
    classes,
    imageShape,
    labels,
    get: index => dataset.get(index),
    describe: index => dataset.describe(index),
  };
}

t.test('concat: rows of all parts, classes united by name, read by threads', async t => {
  const folder = await ImageFolder.open((await imageFolder(t.testdir(), 2)).root);
  const others = [inMemory([1, 0, 1], ['cat', 'dog'], 2), inMemory([0], ['bee'], 3)];
  const parts = [new Subset(folder, [5, 1]), concat(others)];
  const joined = concat(parts);
  t.same(joined.classes, ['ant', 'bee', 'cat', 'dog']);
  t.same([...joined.labels], [2, 0, 3, 2, 3, 1]);
  const expected = await Promise.all([
    folder.get(5),
    folder.get(1),
    ...[0, 1, 2].map(row => others[0].get(row)),
    others[1].get(0),
  ]);
  const ownParts = concat([asOwn(parts[0]), parts[1]]);
  t.equal(ownParts.source, undefined);
  for (const [dataset, numWorkers] of [
    [joined, 2],
    [joined, 0],
    [new Subset(joined, [0, 1, 2, 3, 4, 5]), 1],
    [ownParts, 0],
  ] as const) {
    const loader = new DataLoader(dataset, { numWorkers, batchSize: 4 });
    const batches = await readEpoch(loader);
    await loader.close();
    t.same(
      Buffer.concat(batches.map(({ pixels }) => pixels)),
      Buffer.concat(expected.map(({ pixels }) => pixels)),
    );
    t.same(
      batches.flatMap(({ labels }) => labels),
      [...joined.labels],
    );
    t.match(dataset.describe(0), /cat.001\.png \(row 5 of /);
    t.equal(dataset.describe(3), others[0].describe(1));
  }
  t.same(await ownParts.get(4), { ...expected[4], label: 3, index: 4 });
  t.throws(() => concat([]), { code: 'E_DATASET' });
  const wide = ArrayDataset.from({
    pixels: noise(1, [6, 6, 1]),
    labels: [0],
    imageShape: [6, 6, 1],
    classes: ['a'],
  });
  t.throws(() => concat([folder, wide]), {
    code: 'E_DATASET',
    message: /dataset 1 are 6x6x1, of dataset 0 6x5x1/,
  });
});

t.test('split: parts of the right size without rows in common, class by class where asked', async t => {
  const random = new Random({ seed: 5, purpose: Purpose.split });
  for (let trial = 0; trial < 40; trial++) {
    const count = 3 + random.below(200);
    const labels = Array.from({ length: count }, () => Math.min(random.below(4), random.below(4)));
    const set = inMemory(labels, ['a', 'b', 'c', 'd'], trial);
    const first = random.below(count + 1);
    const second = random.below(count - first + 1);
    for (const stratified of [false, true]) {
      const counts = [first, second, count - first - second];
      const parts = split(set, counts, { seed: trial, stratified });
      t.same(
        parts.map(({ length }) => length),
        counts,
      );
      const rows = parts.map(part => Array.from({ length: part.length }, (_, i) => part.describe(i)));
      t.equal(new Set(rows.flat()).size, count, 'every row once');
      if (!stratified) continue;
      for (const label of [0, 1, 2, 3]) {
        const ofClass = labels.filter(other => other === label).length;
        for (const [part, { labels }] of parts.entries()) {
          const share = (counts[part] * ofClass) / count;
          const found = labels.filter(other => other === label).length;
          if (Math.abs(found - share) >= 2)
            t.fail(`part ${part} has ${found} of class ${label}, due are ${share}`);
        }
      }
    }
  }
  const set = inMemory(Array(103).fill(0), ['a'], 1);
  t.same(
    split(set, [0.29, 0.71]).map(({ length }) => length),
    [30, 73],
  );
  t.same(
    split(set, [0.5, 0.25, 0.25]).map(({ length }) => length),
    [52, 26, 25],
    "as PyTorch's random_split",
  );
  const rows = (seed: number): unknown => split(set, [3, 100], { seed })[0].source?.rows;
  t.same(rows(1), rows(1));
  t.notSame(rows(1), rows(2));
  for (const parts of [[], [0.5, 0.4], [50, 52], [104, -1], [50.5, 52.5], [Number.NaN]]) {
    t.throws(() => split(set, parts), { code: 'E_CONFIG', where: 'parts' });
  }
});

t.test('withTransform: at every access, on rows and batches; wrong samples are refused', async t => {
  const folder = await ImageFolder.open((await imageFolder(join(t.testdir(), 'a'), 2)).root);
  let calls = 0;
  const inverted = new Subset(folder, [4, 0]).withTransform(({ pixels, label }) => {
    calls++;
    return { pixels: pixels.map(value => 255 - value), label };
  });
  const [batch] = await readEpoch(new DataLoader(inverted, { numWorkers: 0 }));
  const expected = await Promise.all([4, 0].map(row => folder.get(row)));
  t.same(batch.pixels, Buffer.concat(expected.map(({ pixels }) => pixels.map(value => 255 - value))));
  t.same(
    [batch.labels, batch.indices],
    [
      [2, 0],
      [0, 1],
    ],
  );
  t.same((await inverted.get(1)).pixels, batch.pixels.subarray(30));
  t.equal(calls, 3);
  const twice = folder.withTransform(({ pixels }) => ({ pixels: pixels.subarray(1), label: 0 }));
  await t.rejects(readEpoch(new DataLoader(twice, { numWorkers: 0 })), {
    code: 'E_SAMPLE',
    message: /ant.000\.png .*it has 29 bytes, an image of the dataset has 30/,
  });
  const relabelled = withTransform(asOwn(folder), async ({ pixels }) => ({ pixels, label: 1 }));
  const [labels] = await readEpoch(new DataLoader(relabelled));
  t.same(labels.labels, Array(6).fill(1));
});
