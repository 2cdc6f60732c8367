import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import t from 'tap';
import { DataLoader } from '../../../src/data/data-loader.js';
import { ImageFolder } from '../../../src/data/datasets/image-folder.js';
import { Subset, stratifiedSplit } from '../../../src/data/datasets/subset.js';
import { openData } from '../../../src/data/open-dataset.js';
import { imageFolder, noise, png, readEpoch } from '../fixtures.js';

t.test('classes and files are sorted; pixels come out as they went in', async t => {
  const folder = await imageFolder(t.testdir(), 4);
  writeFileSync(join(folder.root, 'bee', 'notes.txt'), 'no image');
  writeFileSync(join(folder.root, '.hidden'), '');
  const dataset = await ImageFolder.open(folder.root);
  t.same(dataset.classes, ['ant', 'bee', 'cat']);
  t.same(dataset.imageShape, [6, 5, 1], 'grey images have one channel');
  t.same([...dataset.labels], folder.labels);
  for (let row = 0; row < dataset.length; row++) {
    const sample = await dataset.get(row);
    t.same(sample, { pixels: folder.pixels[row], label: folder.labels[row], index: row });
  }
  t.match(dataset.describe(5), /bee.001\.png \(row 5 of /);
  await t.rejects(dataset.get(12), { name: 'RangeError', message: 'row 12 is outside 0 … 11' });
});

t.test('colour, alpha and other formats', async t => {
  const rgb = noise(1, [6, 5, 3]);
  const image = sharp(rgb, { raw: { height: 6, width: 5, channels: 3 } });
  const root = t.testdir({ a: {} });
  writeFileSync(join(root, 'a', '1.png'), await png(rgb, [6, 5, 3]));
  writeFileSync(join(root, 'a', '2.png'), await image.clone().ensureAlpha().png().toBuffer());
  writeFileSync(join(root, 'a', '3.webp'), await image.clone().webp({ lossless: true }).toBuffer());
  writeFileSync(join(root, 'a', '4.TIFF'), await image.clone().tiff({ compression: 'lzw' }).toBuffer());
  writeFileSync(join(root, 'a', '5.png'), await png(noise(1, [6, 5, 1]), [6, 5, 1]));
  const dataset = await ImageFolder.open(root);
  t.same(dataset.imageShape, [6, 5, 3]);
  for (let row = 0; row < 4; row++) t.same((await dataset.get(row)).pixels, rgb, dataset.describe(row));
  const grey = noise(1, [6, 5, 1]);
  const spread = (await dataset.get(4)).pixels;
  t.ok(
    grey.every((value, i) => [0, 1, 2].every(channel => spread[3 * i + channel] === value)),
    'grey becomes RGB',
  );
  const asGrey = await ImageFolder.open(root, { channels: 1 });
  t.equal((await asGrey.get(0)).pixels.length, 30);
  t.same((await asGrey.get(4)).pixels, grey);
});

t.test('images of mixed sizes are refused by name, or resized', async t => {
  const { root } = await imageFolder(t.testdir(), 2);
  writeFileSync(join(root, 'cat', '000.png'), await png(noise(1, [9, 7, 1]), [9, 7, 1]));
  await t.rejects((await ImageFolder.open(root)).get(4), {
    code: 'E_SAMPLE',
    message: /cannot use .*cat.000\.png \(row 4 of .*\): it is 9x7 with 1 .*images are 6x5 with 1/,
    hint: /imageSize/,
  });
  const resized = await ImageFolder.open(root, { imageSize: [3, 4] });
  t.same(resized.imageShape, [3, 4, 1]);
  const loader = new DataLoader(resized, { numWorkers: 0 });
  t.equal((await readEpoch(loader))[0].pixels.length, 6 * 12);
});

t.test('folders that are no dataset', async t => {
  const { root } = await imageFolder(t.testdir(), 1);
  mkdirSync(join(root, 'dog'));
  await t.rejects(ImageFolder.open(root), {
    code: 'E_DATASET',
    where: join(root, 'dog'),
    message: /dog has no images/,
  });
  await t.rejects(ImageFolder.open(join(root, 'ant')), {
    code: 'E_DATASET',
    message: /ant has no class folders/,
  });
  await t.rejects(ImageFolder.open(join(root, 'none')), { code: 'E_DATASET', message: /none: ENOENT/ });
});

t.test('files that are no images, each on every kind of decoder', async t => {
  const { root } = await imageFolder(t.testdir(), 3);
  const whole = await png(noise(1, [6, 5, 1]), [6, 5, 1]);
  const dataset = await ImageFolder.open(root);
  const file = join(root, 'bee', '001.png');
  for (const [bytes, reason] of [
    [whole.subarray(0, whole.length - 30), /libpng read error|pngload|failOn/],
    [Buffer.from('not an image at all'), /unsupported image format/],
    [Buffer.alloc(0), /empty/i],
  ] as const) {
    writeFileSync(file, bytes);
    for (const numWorkers of [0, 1]) {
      const loader = new DataLoader(dataset, { numWorkers, batchSize: 2 });
      const error = await readEpoch(loader).catch(error => error);
      t.equal(error.code, 'E_SAMPLE', `numWorkers ${numWorkers}`);
      t.match(error.message, `cannot decode ${file} (row 4 of ${root}): `);
      t.match(error.message, reason);
      t.equal(error.where, dataset.describe(4));
      await loader.close();
    }
  }
});

t.test('stratified split', async t => {
  const { root } = await imageFolder(t.testdir(), 10);
  const whole = await ImageFolder.open(root);
  const { train, valid } = stratifiedSplit(whole, 0.2, 7);
  t.same(
    [0, 1, 2].map(label => valid.labels.filter(other => other === label).length),
    [2, 2, 2],
  );
  const names = (part: typeof train): string[] =>
    Array.from({ length: part.length }, (_, i) => part.describe(i));
  t.same([...names(train), ...names(valid)].sort(), names(whole).sort(), 'every row once');
  t.same(names(stratifiedSplit(whole, 0.2, 7).valid), names(valid), 'the same seed splits alike');
  t.notSame(names(stratifiedSplit(whole, 0.2, 8).valid), names(valid));

  const part = new Subset(new Subset(whole, [29, 3, 8, 15]), [2, 0]);
  const [batch] = await readEpoch(new DataLoader(part, { numWorkers: 0 }));
  const expected = await Promise.all([8, 29].map(row => whole.get(row)));
  t.same(batch.pixels, Buffer.concat(expected.map(({ pixels }) => pixels)), 'a subset of a subset');
  t.same(batch.labels, [0, 2]);
  t.same(batch.indices, [0, 1]);
  t.same(part.describe(1), whole.describe(29));
});

t.test('openData: folders with splits', async t => {
  const root = t.testdir();
  await imageFolder(join(root, 'train'), 3);
  await t.rejects(openData(root), {
    code: 'E_DATASET',
    message: /has train but none of valid, validation, val, test/,
  });
  await imageFolder(join(root, 'val'), 1);
  const opened = await openData(root);
  t.same([opened.train.length, opened.valid.length], [9, 3]);
  await imageFolder(join(root, 'valid'), 1, [6, 5, 1], ['ant', 'bee', 'dog']);
  await t.rejects(openData(root), {
    code: 'E_DATASET',
    hint: /train has ant, bee, cat; valid has ant, bee, dog/,
  });
  await imageFolder(join(root, 'valid'), 1, [5, 5, 1]);
  await t.rejects(openData(root), { code: 'E_DATASET', message: /6x5x1 in train and 5x5x1 in valid/ });
  const split = await openData(join(root, 'train'), { validSplit: 0.4, seed: 3 });
  t.same([split.train.length, split.valid.length], [6, 3]);
  for (const [spec, meant] of [
    [join(root, 'nowhere'), /^--data takes sample, fashion-mnist, .*a folder/],
    [join(root, 'trian'), new RegExp(`^did you mean ${join(root, 'train')}\\? `)],
    ['smaple', /^did you mean sample\? /],
  ] as const) {
    await t.rejects(openData(spec), { code: 'E_DATASET', message: /no file or folder/, hint: meant });
  }
  writeFileSync(join(root, 'notes.md'), '');
  await t.rejects(openData(join(root, 'notes.md')), {
    code: 'E_DATASET',
    hint: /files ending in \.csv, \.tsv/,
  });
  await t.rejects(openData(root, { validSplit: 1 }), { code: 'E_CONFIG' });
});
