/** From dictionary rows to the batches that replicas train on. */
import t from 'tap';
import { DataLoader } from '../../../src/data/data-loader.js';
import { DataLoaders, getDls } from '../../../src/data/data-loaders.js';
import { datasetInfo } from '../../../src/data/dataset-info.js';
import { ArrayDataset } from '../../../src/data/datasets/array-dataset.js';
import { Subset } from '../../../src/data/datasets/subset.js';
import { openData } from '../../../src/data/open-dataset.js';
import { DatasetDict } from '../../../src/data/rows/dataset-dict.js';
import { ClassLabel } from '../../../src/data/rows/features.js';
import { imagesOf } from '../../../src/data/rows/images-of.js';
import { inplace } from '../../../src/data/rows/inplace.js';
import { Rows } from '../../../src/data/rows/rows.js';
import { type ImageRow, rowsOf } from '../../../src/data/rows/rows-of.js';
import { BatchSampler } from '../../../src/data/samplers/batch-sampler.js';
import { Sampler } from '../../../src/data/samplers/sampler.js';
import { noise, readEpoch } from '../fixtures.js';

const imageShape = [4, 3, 1] as const;
const classes = ['a', 'b', 'c'];
const bytes = 12;
const count = 21;
const pixels = noise(count, imageShape);
const labels = Array.from({ length: count }, (_, row) => row % 3);
const images = ArrayDataset.from({ pixels, labels, imageShape, classes });
const imageAt = (row: number): Uint8Array => pixels.subarray(row * bytes, (row + 1) * bytes);

t.test('a dataset as rows, and some of its samples at once', async t => {
  const rows = rowsOf(images);
  const { image, label } = await rows.get(5);
  t.same(image, { data: imageAt(5), shape: [...imageShape] });
  t.equal((rows.features.label as ClassLabel).int2str(label), 'c');
  for (const dataset of [
    images,
    new Subset(
      images,
      images.labels.map((_, row) => row),
    ),
  ]) {
    const stack = await dataset.at([7, 2]);
    t.same(stack.pixels, Buffer.concat([imageAt(7), imageAt(2)]));
    t.same([...stack.labels, ...stack.indices, ...stack.shape], [1, 2, 7, 2, 2, ...imageShape]);
    t.same((await dataset.slice(-2)).indices, Uint32Array.of(19, 20));
  }
  t.throws(() => ArrayDataset.from({ pixels, labels: [0], imageShape, classes }), { code: 'E_DATASET' });
});

t.test('the transform runs once for each batch, and its pixels are the batch', async t => {
  const sizes: number[] = [];
  const inverted = rowsOf(images).withTransform(
    inplace(batch => {
      sizes.push(batch.image.length);
      for (const { data } of batch.image) for (const i of data.keys()) data[i] = 255 - data[i];
    }),
  );
  const dataset = await imagesOf(inverted);
  sizes.length = 0;
  const loader = new DataLoader(dataset, { batchSize: 8, shuffle: true });
  for (const epoch of [0, 1]) {
    const batches = await readEpoch(loader);
    t.same(sizes.splice(0), [8, 8, 5], `epoch ${epoch}`);
    const right = batches.every(batch =>
      batch.indices.every((row, i) => {
        const given = batch.pixels.subarray(i * bytes, (i + 1) * bytes);
        return batch.labels[i] === labels[row] && given.every((value, k) => value === 255 - imageAt(row)[k]);
      }),
    );
    t.ok(right, 'pixels, labels and rows belong together');
  }
  for await (const _ of loader) break;
  t.equal((await readEpoch(loader)).length, 3, 'left early, it can be gone through again');
  const part = new DataLoader(new Subset(dataset, [20, 3, 4]), { batchSize: 2 });
  sizes.length = 0;
  const [{ indices, pixels: first }] = await readEpoch(part);
  t.same(sizes, [2, 1], 'a subset too');
  t.same(indices, [0, 1]);
  t.same(first[0], 255 - imageAt(20)[0]);
});

t.test('without a transform decode threads read the images by themselves', async t => {
  const some = await imagesOf(rowsOf(images).select([4, 9]));
  t.ok(some.source);
  t.same((await some.get(1)).pixels, imageAt(9));
  const own = Rows.from(
    { picture: [0, 1].map(row => ({ data: imageAt(row), shape: [4, 3] })), kind: [1, 0] },
    { kind: new ClassLabel(classes) },
  );
  const dataset = await imagesOf(own);
  t.notOk(dataset.source);
  t.same(dataset.imageShape, imageShape);
  t.same(await dataset.get(1), { pixels: imageAt(1), label: 0, index: 1 });
});

t.test('rows that are no images of one shape are refused by row', async t => {
  const kind = { label: new ClassLabel(classes) };
  const good = { data: imageAt(0), shape: [...imageShape] };
  const load = async (second: unknown): Promise<unknown> => {
    const rows = Rows.from({ image: [good, good], label: [0, 1] }, kind);
    const bad = rows.withTransform(
      ({ image, label }) =>
        ({ label, image: label.map((row, i) => (row === 1 ? second : image[i])) }) as never,
    );
    return readEpoch(new DataLoader(await imagesOf(bad), { batchSize: 2 }));
  };
  t.ok(await load(good));
  for (const [image, message] of [
    [undefined, /image of row 1: it is missing/],
    [imageAt(0), /image of row 1: it is not \{ data, shape \}/],
    [{ data: new Float32Array(12), shape: imageShape }, /row 1: it is a Float32Array/],
    [{ data: imageAt(0), shape: [3, 4, 1] }, /row 1: it has shape 3x4x1, the first 4x3x1/],
    [{ data: imageAt(0), shape: [5, 5] }, /row 1: it has 12 elements/],
  ] as const) {
    await t.rejects(load(image), { code: 'E_SAMPLE', message });
  }
  await t.rejects(imagesOf(Rows.from({ label: [0] }, kind)), { code: 'E_DATASET', where: 'image' });
  await t.rejects(imagesOf(Rows.from({ image: [good], label: [0] })), { code: 'E_DATASET', where: 'label' });
  await t.rejects(imagesOf(Rows.from({ image: [good, good], label: [0, undefined] }, kind)), {
    code: 'E_DATASET',
    message: /label of row 1 is undefined/,
  });
  let calls = 0;
  const once = rowsOf(images).withTransform(batch => (calls++ === 0 ? batch : (undefined as never)));
  const late = new DataLoader(await imagesOf(once));
  await t.rejects(readEpoch(late), { code: 'E_DATASET', where: 'withTransform' }, 'as the transform has it');
  const broken = rowsOf(images).withTransform(batch => {
    if (calls++ === 2) return batch;
    throw new TypeError('no such thing');
  });
  await t.rejects(readEpoch(new DataLoader(await imagesOf(broken))), {
    code: 'E_SAMPLE',
    message: /row 0 of the table: no such thing/,
  });
  await t.rejects(imagesOf(rowsOf(images).select([])), { code: 'E_DATASET', message: /no rows/ });
});

t.test('loaders of a DatasetDict', async t => {
  const half = new Subset(images, [0, 1, 2, 3]);
  const pair = DatasetDict.of({ train: images, valid: half });
  t.same(pair.names, ['train', 'valid']);
  t.equal(pair.get('valid').length, 4);
  t.throws(() => pair.get('test'), { code: 'E_DATASET', hint: /train, valid/ });
  const dark = pair.withTransform<ImageRow>(({ image, label }) => ({
    label,
    image: image.map(({ shape }) => ({ data: new Uint8Array(bytes), shape })),
  }));
  const dls = await DataLoaders.fromDatasetDict(dark, 6);
  t.same([dls.train.batchSize, dls.valid.batchSize], [6, 12]);
  const [batch] = await readEpoch(dls.train);
  t.ok(batch.pixels.every(value => value === 0));
  t.notSame(batch.indices, [0, 1, 2, 3, 4, 5], 'training is shuffled');
  await dls.close();

  const rows = rowsOf(images);
  const splits = (...names: string[]) => new DatasetDict(Object.fromEntries(names.map(name => [name, rows])));
  t.same(splits('test', 'train', 'other').trainingSplits(), ['train', 'test']);
  t.same(splits('first', 'second').trainingSplits(), ['first', 'second']);
  t.throws(() => splits('a', 'b', 'c').trainingSplits(), { code: 'E_DATASET', hint: /splits:/ });
  const chosen = await DataLoaders.fromDatasetDict(splits('a', 'b', 'c'), 4, {
    splits: ['c', 'a'],
    numWorkers: 0,
  });
  t.equal(chosen.train.length, 6);
  await chosen.close();
});

t.test('getDls; a batch sampler given as sampler', async t => {
  const dls = getDls(images, images, 5, { numWorkers: 0, dropLast: true });
  t.same([dls.train.length, dls.valid.length], [4, 3], 'validation keeps its last batch');
  await dls.close();
  const sampler = new BatchSampler(new Sampler(images), 4);
  const loader = new DataLoader(images, { sampler, numWorkers: 0 });
  const [as, batchSampler] = [
    await readEpoch(loader),
    new DataLoader(images, { batchSampler: sampler, numWorkers: 0 }),
  ];
  t.same(as, await readEpoch(batchSampler));
  t.throws(() => new DataLoader(images, { sampler, shuffle: true }), { code: 'E_LOADER', where: 'shuffle' });
  const valid = DataLoaders.from({ train: images, valid: images }, { numWorkers: 0, valid: { sampler } });
  t.equal(valid.valid.batchSize, 4);
  await valid.close();
});

t.test('what a dataset is, told without decoding', async t => {
  const data = await openData('sample');
  const info = await datasetInfo(data);
  t.same(info.splits.train, { name: 'train', numExamples: 10_000, numBytes: 7_840_000 });
  t.equal(info.splits.valid.numExamples, 2_000);
  t.same((info.features.label as ClassLabel).names, data.train.classes);
  t.match(info.description, /10000 and 2000 images of 28x28x1, 10 classes/);
  t.same(await datasetInfo('sample'), info);
});
