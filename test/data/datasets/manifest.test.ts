import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { DataLoader } from '../../../src/data/data-loader.js';
import type { Dataset } from '../../../src/data/dataset.js';
import { ManifestDataset } from '../../../src/data/datasets/manifest.js';
import { openData } from '../../../src/data/open-dataset.js';
import { type Folder, imageFolder, readEpoch } from '../fixtures.js';

const names = ['ant', 'bee', 'cat'];

/** The paths of `imageFolder`, relative to its root, with the rest of their lines. */
function paths({ labels }: Folder, perClass: number): string[] {
  return labels.map((label, row) => `${names[label]}/${String(row % perClass).padStart(3, '0')}.png`);
}

async function pixelsOf(dataset: Dataset): Promise<Buffer> {
  const loader = new DataLoader(dataset, { numWorkers: 1, batchSize: 4 });
  const batches = await readEpoch(loader);
  await loader.close();
  t.same(
    batches.flatMap(({ labels }) => labels),
    [...dataset.labels],
  );
  return Buffer.concat(batches.map(({ pixels }) => pixels));
}

t.test('CSV, TSV and JSON-lines, names and indices, give the images they list', async t => {
  const root = t.testdir();
  const folder = await imageFolder(join(root, 'images'), 3);
  const lines = paths(folder, 3).map((path, row) => ({ path, name: names[folder.labels[row]] }));
  const csv = [
    '\ufeffPath,label,note',
    ...lines.map(({ path, name }) => `"images/${path}",${name},"a, ""b""\n"`),
  ];
  writeFileSync(join(root, 'images.csv'), csv.join('\r\n'));
  const tsv = ['class\tfilename', ...folder.labels.map((label, row) => `${label}\t${lines[row].path}`)];
  writeFileSync(join(root, 'images', 'list.tsv'), `${tsv.join('\n')}\n\n`);
  const json = lines.map(({ path, name }) => JSON.stringify({ img: join(root, 'images', path), kind: name }));
  writeFileSync(join(root, 'images.jsonl'), json.join('\n'));
  const csvSet = await ManifestDataset.open(join(root, 'images.csv'), { check: true });
  const tsvSet = await ManifestDataset.open(join(root, 'images', 'list.tsv'));
  const classes = ['cat', 'bee', 'ant'];
  const columns = { pathColumn: 'img', labelColumn: 'kind', classes };
  const jsonSet = await ManifestDataset.open(join(root, 'images.jsonl'), columns);
  t.same([csvSet.classes, tsvSet.classes, jsonSet.classes], [names, ['0', '1', '2'], classes]);
  t.same(
    [...jsonSet.labels],
    folder.labels.map(label => 2 - label),
    'numbered as classes are given',
  );
  for (const set of [csvSet, tsvSet, jsonSet]) {
    t.same(set.imageShape, [6, 5, 1]);
    t.same(await pixelsOf(set), Buffer.concat(folder.pixels), set.source.name);
  }
  t.equal(
    csvSet.describe(4),
    `${join(root, 'images', 'bee', '001.png')} (row 4 of ${join(root, 'images.csv')})`,
  );
});

t.test('what is wrong is named by file, line and column', async t => {
  const root = t.testdir();
  const folder = await imageFolder(join(root, 'images'), 1);
  const file = join(root, 'list.csv');
  const refuse = async (
    text: string,
    error: { message: RegExp; hint?: RegExp; where?: string; code?: string },
    options = {},
    name = 'list.csv',
  ): Promise<void> => {
    writeFileSync(join(root, name), text);
    await t.rejects(ManifestDataset.open(join(root, name), options), { code: 'E_DATASET', ...error });
  };
  const good = paths(folder, 1).map(path => `images/${path}`);
  await refuse('', { message: /list\.csv has no rows/ });
  await refuse('path,label\n', { message: /has no rows/, hint: /path,label/ });
  await refuse('where,label\na,b', {
    message: /no column of paths/,
    hint: /columns are where, label: .*pathColumn/,
  });
  await refuse('path,kind\na,b', { message: /no column of labels/, hint: /labelColumn/ });
  await refuse(
    'path,kinds\na,b',
    { message: /no column 'kind'/, hint: /did you mean 'kinds'/ },
    { labelColumn: 'kind' },
  );
  await refuse(`path,label\n${good[0]},ant\n${good[1]}`, {
    message: /list\.csv, line 3: Invalid Record Length/,
  });
  await refuse(`path,label\n\n${good[0]},`, { message: /line 3, column label has nothing/ });
  await refuse(`path,label\n,ant`, { message: /line 2, column path has nothing, not a text/ });
  const classes = { classes: ['ant', 'bee'] };
  await refuse(
    `path,label\n${good[0]},ant\n${good[1]},bees`,
    { message: /'bees' of .*list\.csv, line 3 is none of the 2 classes/, hint: /did you mean 'bee'/ },
    classes,
  );
  await refuse(`path,label\n${good[0]},2`, { message: /label 2 of .*line 2 is outside 0 … 1/ }, classes);
  await refuse(`path,label\n${good[0]},123456`, { message: /label 123456 of .*line 2 is no class index/ });
  await refuse('{"path":"a","label":1}\n{"path"', { message: /list\.jsonl, line 2: / }, {}, 'list.jsonl');
  await refuse('[1]', { message: /line 1: it is no JSON object/ }, {}, 'list.jsonl');
  await refuse('{"path":"a","label":1.5}', { message: /column label has 1\.5, not/ }, {}, 'list.jsonl');
  await refuse(
    ['path,label', ...good.map(path => `${path},1`), 'images/gone.png,1', 'images,1'].join('\n'),
    { message: /^2 of the 5 files .*the first is .*gone\.png/, where: `${file}, line 5` },
    { check: true },
  );
  const unchecked = await ManifestDataset.open(file);
  await t.rejects(unchecked.get(3), {
    code: 'E_SAMPLE',
    message: /gone\.png \(row 3 of .*list\.csv\): ENOENT/,
  });
  await t.rejects(ManifestDataset.open(join(root, 'none.csv')), {
    code: 'E_DATASET',
    message: /none\.csv: ENOENT/,
  });
  await t.rejects(ManifestDataset.open(file, { classes: ['a', 'a'] }), {
    code: 'E_CONFIG',
    where: 'classes',
  });
});

t.test('openData: by the split column, by share, and from two files', async t => {
  const root = t.testdir();
  const folder = await imageFolder(join(root, 'images'), 5);
  const lines = paths(folder, 5).map((path, row) => `images/${path},${names[folder.labels[row]]}`);
  const splits = ['train', 'train', 'valid', 'train', 'test'];
  const column = lines.map((line, row) => `${line},${splits[row % 5]}`);
  writeFileSync(join(root, 'all.csv'), ['path,label,split', ...column].join('\n'));
  const opened = await openData(join(root, 'all.csv'));
  t.same([opened.train.length, opened.valid.length], [9, 3], 'the test rows are left out beside valid ones');
  t.same(await pixelsOf(opened.valid), Buffer.concat([2, 7, 12].map(row => folder.pixels[row])));
  t.match(opened.valid.describe(1), /\(row 7 of .*all\.csv\)/);
  writeFileSync(join(root, 'bad.csv'), ['path,label,split', ...column, `${lines[0]},trial`].join('\n'));
  await t.rejects(openData(join(root, 'bad.csv')), {
    message: /line 17, column split has "trial", not one of train/,
  });
  writeFileSync(join(root, 'one.csv'), ['path,label,split', `${lines[0]},train`].join('\n'));
  await t.rejects(openData(join(root, 'one.csv')), {
    message: /no rows of split valid/,
    hint: /splits are train/,
  });

  writeFileSync(join(root, 'train.csv'), ['path,label', ...lines.slice(0, 10)].join('\n'));
  const byShare = await openData(join(root, 'train.csv'), { validSplit: 0.4 });
  t.same([byShare.train.length, byShare.valid.length], [6, 4]);
  t.equal((await openData(root)).train.length, 8, 'train.csv by itself is split');
  writeFileSync(join(root, 'val.csv'), ['path,label', ...lines.slice(5)].join('\n'));
  const pair = await openData(root);
  t.same([pair.train.classes, pair.valid.classes], [names, names], 'classes are those of both');
  t.same([...pair.valid.labels], folder.labels.slice(5));
  rmSync(join(root, 'images', 'ant', '000.png'));
  await t.rejects(openData(root), { code: 'E_SAMPLE', message: /000\.png: ENOENT/ });
});
