import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { IdxDataset } from '../../../src/data/datasets/idx.js';
import { openData } from '../../../src/data/open-dataset.js';
import { idx, noise } from '../fixtures.js';

const pixels = noise(6, [4, 3]);
const labels = Uint8Array.of(2, 0, 1, 1, 2, 0);

t.test('plain and gzipped', async t => {
  const root = t.testdir();
  const file = (name: string, bytes: Buffer): string => {
    writeFileSync(join(root, name), bytes);
    return join(root, name);
  };
  const plain = [file('i', idx(pixels, [6, 4, 3])), file('l', idx(labels, [6]))] as const;
  const packed = [
    file('i.gz', gzipSync(idx(pixels, [6, 4, 3]))),
    file('l.gz', gzipSync(idx(labels, [6]))),
  ] as const;
  for (const [images, classes] of [plain, packed]) {
    const dataset = await IdxDataset.open(images, classes);
    t.same(dataset.classes, ['0', '1', '2']);
    t.same(dataset.imageShape, [4, 3, 1]);
    t.same(await dataset.get(4), { pixels: pixels.subarray(48, 60), label: 2, index: 4 });
  }
  const refuse = (images: string, classes: string, message: RegExp): Promise<unknown> =>
    t.rejects(IdxDataset.open(images, classes), { code: 'E_DATASET', message });
  await refuse(
    file('text', Buffer.from('hello')),
    plain[1],
    /text is not usable: it does not start as an IDX/,
  );
  await refuse(file('float', idx(pixels, [6, 4, 3], 13)), plain[1], /element type is 0xd/);
  await refuse(file('rank', idx(pixels, [24, 3])), plain[1], /has 2 dimensions, expected 3 or 4/);
  await refuse(file('short', idx(pixels.subarray(1), [6, 4, 3])), plain[1], /72 elements .*it has 71/);
  await refuse(file('head', idx(pixels, [6, 4, 3]).subarray(0, 10)), plain[1], /ends within its header/);
  await refuse(
    file('cut.gz', gzipSync(idx(pixels, [6, 4, 3])).subarray(0, 40)),
    plain[1],
    /cut\.gz: unexpected end/,
  );
  await refuse(plain[0], file('five', idx(labels.subarray(1), [5])), /has 6 images, .*five has 5 labels/);
  await refuse(join(root, 'none'), plain[1], /cannot read .*none: ENOENT/);
  await t.rejects(IdxDataset.open(...plain, { classes: ['a', 'b'] }), {
    code: 'E_DATASET',
    message: /label 2 of row 0 of .*l is outside 0 … 1/,
  });
});

t.test('a folder of IDX files, and Fashion-MNIST that is not there', async t => {
  const root = t.testdir();
  for (const split of ['train', 't10k']) {
    writeFileSync(join(root, `${split}-images-idx3-ubyte`), idx(pixels, [6, 4, 3]));
    writeFileSync(join(root, `${split}-labels-idx1-ubyte.gz`), gzipSync(idx(labels, [6])));
  }
  const { train, valid } = await openData(root);
  t.same([train.length, valid.length], [6, 6]);
  t.same((await openData(`fashion-mnist:${root}`)).train.classes[9], 'Ankle boot');
  await t.rejects(openData(`fashion-mnist:${join(root, 'none')}`), {
    code: 'E_DATASET',
    hint: /apt install dataset-fashion-mnist/,
  });
});
