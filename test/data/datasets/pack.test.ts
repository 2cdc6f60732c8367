import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { DataLoader } from '../../../src/data/data-loader.js';
import { PackDataset } from '../../../src/data/datasets/pack.js';
import { type PackHeader, packLayout } from '../../../src/data/datasets/pack-format.js';
import { writePack } from '../../../src/data/datasets/write-pack.js';
import { openData } from '../../../src/data/open-dataset.js';
import { imageFolder, pngRecords, readEpoch } from '../fixtures.js';

const shape: [number, number, 1] = [6, 5, 1];
const header: PackHeader = {
  count: 9,
  classes: ['ant', 'bee', 'cat'],
  imageShape: shape,
  encoding: 'image',
  source: 'noise',
  licence: 'none',
};

t.test('what is written is read, as image files and as raw pixels', async t => {
  const root = t.testdir();
  const folder = await imageFolder(join(root, 'images'), 3, shape);
  const records = await pngRecords(folder, shape);
  const raw = folder.pixels.map((bytes, row) => ({ bytes, label: folder.labels[row] }));
  await writePack(join(root, 'image.pack'), header, records);
  await writePack(join(root, 'raw.pack'), { ...header, encoding: 'raw' }, raw);
  for (const name of ['image.pack', 'raw.pack']) {
    const dataset = await PackDataset.open(join(root, name));
    t.same(dataset.classes, header.classes);
    for (const numWorkers of [0, 1]) {
      const loader = new DataLoader(dataset, { numWorkers, batchSize: 4 });
      const batches = await readEpoch(loader);
      await loader.close();
      t.same(Buffer.concat(batches.map(({ pixels }) => pixels)), Buffer.concat(folder.pixels), name);
      t.same(
        batches.flatMap(({ labels }) => labels),
        folder.labels,
      );
    }
    t.match(dataset.describe(4), new RegExp(`row 4 of .*${name} \\(noise\\)`));
  }
});

t.test('records that do not match the header leave nothing behind', async t => {
  const root = t.testdir();
  const record = { bytes: Buffer.alloc(30), label: 0 };
  const write = (change: Partial<PackHeader>, records: (typeof record)[]): Promise<void> =>
    writePack(join(root, 'x.pack'), { ...header, count: 2, encoding: 'raw', ...change }, records);
  for (const [records, message] of [
    [[record], /1 records came, the header says 2/],
    [[record, record, record], /more than the header's 2 records/],
    [[record, { ...record, label: 3 }], /label of row 1 is 3, outside 0 … 2/],
    [[record, { ...record, bytes: Buffer.alloc(29) }], /row 1 has 29 bytes/],
  ] as const) {
    await t.rejects(write({}, [...records]), { code: 'E_DATASET', message });
  }
  await t.rejects(write({ classes: [] }, [record, record]), Error);
  t.same(readdirSync(root), []);
});

t.test('damaged packs are refused by name and row', async t => {
  const root = t.testdir();
  const folder = await imageFolder(join(root, 'images'), 3, shape);
  const good = join(root, 'good.pack');
  await writePack(good, header, await pngRecords(folder, shape));
  const bytes = readFileSync(good);
  const { offsetsAt, labelsAt } = packLayout(bytes.readUInt32LE(12), 9);
  const bad = join(root, 'bad.pack');
  const refuse = async (change: (copy: Buffer) => Buffer | unknown, message: RegExp): Promise<void> => {
    const copy = Buffer.from(bytes);
    const changed = change(copy);
    writeFileSync(bad, Buffer.isBuffer(changed) ? changed : copy);
    await t.rejects(PackDataset.open(bad), { code: 'E_DATASET', where: /bad\.pack/, message });
  };
  const offset = (row: number, value: number) => (copy: Buffer) =>
    copy.writeBigUInt64LE(BigInt(value), offsetsAt + 8 * row);
  const start = Number(bytes.readBigUInt64LE(offsetsAt + 8 * 3));
  await refuse(copy => copy.fill(0, 0, 8), /bad\.pack is not usable: it is no gradring pack/);
  await refuse(copy => copy.subarray(0, 3), /no gradring pack/);
  await refuse(copy => copy.writeUInt32LE(2, 8), /version 2/);
  await refuse(copy => copy.writeUInt32LE(0xffffffff, 12), /header says it is 4294967295 bytes/);
  await refuse(copy => copy.subarray(0, 40), /ends within its header/);
  await refuse(copy => copy.fill('x', 16, 17), /header is no JSON/);
  await refuse(copy => copy.write('"conut"', copy.indexOf('"count"')), /header is wrong: .*count/s);
  await refuse(copy => copy.subarray(0, labelsAt), /ends within the index of its 9 records/);
  await refuse(offset(0, 1), /row 0 starts at byte 1/);
  await refuse(offset(4, start), /row 3 ends before it starts/);
  await refuse(offset(4, bytes.length + 1), /row 3 reaches past the end/);
  await refuse(
    copy => copy.writeInt32LE(3, labelsAt + 4 * 5),
    /label 3 of row 5 of .*bad\.pack is outside 0 … 2/,
  );
  await refuse(copy => copy.writeInt32LE(-1, labelsAt), /label -1 of row 0/);
  await refuse(copy => copy.subarray(0, copy.length - 1), /row 8 reaches past the end/);
  await refuse(copy => Buffer.concat([copy, Buffer.alloc(5)]), /5 bytes follow its last row, 8/);
  await t.rejects(PackDataset.open(join(root, 'none.pack')), {
    code: 'E_DATASET',
    message: /none\.pack: ENOENT/,
  });
});

t.test('the bundled sample is Fashion-MNIST, row for row', async t => {
  const sample = await openData('sample');
  const perClass = { train: 1000, valid: 200 };
  for (const split of ['train', 'valid'] as const) {
    const { labels } = sample[split];
    const counts = sample[split].classes.map((_, label) => labels.filter(other => other === label).length);
    t.same(counts, Array(10).fill(perClass[split]), split);
  }
  const full = await openData('fashion-mnist').catch(() => undefined);
  if (full === undefined) return t.pass('the full set is not on this machine: pixels not compared');
  for (const split of ['train', 'valid'] as const) {
    const taken = Array(10).fill(0);
    const rows = [...full[split].labels.keys()].filter(
      row => taken[full[split].labels[row]]++ < perClass[split],
    );
    for (let row = 0; row < rows.length; row += 97) {
      const { pixels, label } = await full[split].get(rows[row]);
      t.same(await sample[split].get(row), { pixels, label, index: row });
    }
  }
});
