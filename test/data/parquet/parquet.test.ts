/** Files written by pyarrow and Hugging Face datasets, read row for row; expected pixels are Pillow's. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { DataLoader } from '../../../src/data/data-loader.js';
import { datasetInfo } from '../../../src/data/dataset-info.js';
import { openData } from '../../../src/data/open-dataset.js';
import { openParquet } from '../../../src/data/parquet/open-parquet.js';
import { ParquetFile } from '../../../src/data/parquet/parquet-file.js';
import { parquetRows } from '../../../src/data/parquet/parquet-rows.js';
import { ClassLabel, Image, Value } from '../../../src/data/rows/features.js';
import { imagesOf } from '../../../src/data/rows/images-of.js';
import { readEpoch } from '../fixtures.js';
import { allPixels, expected, fixtures, pixelsOf, testPixels, trainPixels } from './fixtures.js';

const hub = join(fixtures, 'hub');
const inTrain = expected.labels.slice(0, expected.train);

t.test("the layout of datasets: splits, shards, ClassLabel, pixels equal to Pillow's", async t => {
  const cacheDir = t.testdir();
  const progress: number[] = [];
  const splits = await openParquet(hub, { cacheDir, onProgress: ({ done }) => progress.push(done) });
  t.same(splits.names, ['train', 'test']);
  t.same(
    splits.names.map(name => splits.numRows(name)),
    [expected.train, expected.test],
  );
  t.same(splits.features, {
    image: new Image(),
    label: new ClassLabel(expected.names),
    caption: new Value('string'),
  });
  t.same(readdirSync(cacheDir), [], 'nothing is copied before it is asked for');
  const [train, test] = [await splits.dataset('train'), await splits.dataset('test')];
  t.same([train.classes, train.imageShape], [expected.names, [28, 28, 1]]);
  t.same([...train.labels], inTrain);
  t.ok((await allPixels(train)).equals(trainPixels));
  t.ok((await allPixels(test)).equals(testPixels));
  t.same(progress, [12, 24, 8], 'after each row group');
  const loader = new DataLoader(train, { numWorkers: 1, batchSize: 7 });
  t.teardown(() => loader.close());
  const batches = await readEpoch(loader);
  t.ok(Buffer.concat(batches.map(batch => batch.pixels)).equals(trainPixels), 'decode threads read it');

  const rows = await splits.rows('test');
  const { image, label, caption } = await rows.get(5);
  t.same(image, { data: pixelsOf(expected.train + 5), shape: [28, 28, 1] });
  t.same([label, caption], [expected.labels[29], expected.captions[29]]);
  t.same((await splits.dict()).trainingSplits(), ['train', 'test']);
});

t.test('compressed files of several row groups, by column, by group, and as a table', async t => {
  for (const codec of ['snappy', 'gzip', 'zstd', 'brotli', 'lz4']) {
    const file = await ParquetFile.open(join(fixtures, 'codecs', `${codec}.parquet`));
    const groups = [];
    for await (const { firstRow, numRows, columns } of file.rowGroups({ columns: ['label', 'caption'] })) {
      groups.push([firstRow, numRows]);
      t.same(Object.values(columns), [
        inTrain.slice(firstRow, firstRow + numRows),
        expected.captions.slice(firstRow, firstRow + numRows),
      ]);
    }
    t.same(groups, [
      [0, 5],
      [5, 5],
      [10, 2],
    ]);
    const dataset = await imagesOf(parquetRows([file]));
    t.ok((await allPixels(dataset)).equals(trainPixels.subarray(0, 12 * 784)), codec);
    const { caption } = await parquetRows([file]).at([11, 0, 6]);
    t.same(
      caption,
      [11, 0, 6].map(row => expected.captions[row]),
      'rows in any order',
    );
  }
});

t.test('without Hugging Face features: a binary column, distinct labels, names from a README', async t => {
  const root = t.testdir();
  const cacheDir = join(root, 'cache');
  copyFileSync(join(fixtures, 'plain.parquet'), join(root, 'plain.parquet'));
  const bare = await openParquet(root, { cacheDir });
  t.same([bare.names, bare.classes, bare.image], [['train'], ['7', '9', '30'], 'pixels']);
  const train = await bare.dataset('train');
  t.same(
    [...train.labels],
    inTrain.slice(0, 6).map(label => [2, 0, 1][label]),
  );
  t.ok((await allPixels(train)).equals(trainPixels.subarray(0, 6 * 784)));
  const byText = await openParquet(root, { cacheDir, label: 'id' });
  t.same(byText.classes, ['row 0', 'row 1', 'row 2', 'row 3', 'row 4', 'row 5']);

  const names = Array.from({ length: 31 }, (_, label) => (label === 7 ? "it's: seven" : `class ${label}`));
  const quoted = names.map((name, label) => `          '${label}': '${name.replaceAll("'", "''")}'`);
  const readme = ['---', 'license: mit', 'dataset_info:', '  features:', '  - name: id', '    dtype: string']
    .concat('  - name: label', '    dtype:', '      class_label:', '        names:', quoted)
    .concat('  splits:', '  - name: train', '    num_bytes: 17', 'tags:', '- vision', '---', '# Text');
  writeFileSync(join(root, 'README.md'), readme.join('\n'));
  const named = await openParquet(root, { cacheDir });
  t.same(named.classes, names);
  t.same(
    [...(await named.dataset('train')).labels],
    inTrain.slice(0, 6).map(label => [30, 7, 9][label]),
  );
});

t.test('a pack is written once, and again where it is damaged or the file has changed', async t => {
  const root = t.testdir({ data: {}, cache: {} });
  const [file, cacheDir] = [join(root, 'data', 'a.parquet'), join(root, 'cache')];
  copyFileSync(join(fixtures, 'codecs', 'zstd.parquet'), file);
  let ingested = 0;
  const open = async (): Promise<Buffer> => {
    const splits = await openParquet(file, { cacheDir, onProgress: () => ingested++ });
    return allPixels(await splits.dataset('train'));
  };
  const first = await open();
  t.ok((await open()).equals(first));
  t.equal(ingested, 3, 'the second time it is opened');
  const [pack] = readdirSync(cacheDir).map(name => join(cacheDir, name));
  writeFileSync(pack, readFileSync(pack).subarray(0, 500));
  t.ok((await open()).equals(first));
  t.equal(ingested, 6, 'a pack that was cut short is written again');
  copyFileSync(join(fixtures, 'null-bytes.parquet'), file);
  await t.rejects(open(), { code: 'E_DATASET' }, 'the new file is what counts');
  copyFileSync(join(fixtures, 'codecs', 'gzip.parquet'), file);
  utimesSync(file, 1e9, 1e9);
  await Promise.all([open(), open(), open()]);
  t.equal(ingested, 16, 'several at once do not disturb each other');
  t.notOk(readdirSync(cacheDir).some(name => name.endsWith('.tmp')));
});

t.test('what is not usable is refused by file and row', async t => {
  const root = t.testdir({ half: {}, mixed: {} });
  const cacheDir = join(root, 'cache');
  const open = async (path: string, options = {}): Promise<unknown> =>
    (await openParquet(path, { cacheDir, ...options })).dataset('train');
  const fixture = (name: string): string => join(fixtures, name);
  const refused = (opened: Promise<unknown>, message: RegExp): Promise<unknown> =>
    t.rejects(opened, { code: 'E_DATASET', message, hint: /./ });

  await refused(open(fixture('no-image.parquet')), /no column of images/);
  await refused(
    open(fixture('no-image.parquet'), { image: 'text' }),
    /text .* holds no images: it is string/,
  );
  await refused(open(fixture('null-bytes.parquet')), /image of row 4 of .*only the path '0004.png'/);
  await refused(open(fixture('unlabelled.parquet')), /label of row 2 .* is -1, none of the 3 classes/);
  await refused(open(hub, { label: 'labl' }), /no column 'labl'/);
  await refused(open(hub, { config: 'other' }), /no configuration 'other'/);
  await refused(open(hub, { splits: ['valid'] }), /no split 'valid'/);
  await refused(open(fixture('expected.bin')), /cannot read .*expected.bin as Parquet/);
  await refused(open(join(root, 'nothing')), /there is no /);
  t.same(readdirSync(root).includes('cache') ? readdirSync(cacheDir) : [], [], 'and nothing is left behind');

  const shard = 'train-00001-of-00002.parquet';
  copyFileSync(join(hub, 'data', shard), join(root, 'half', shard));
  await refused(open(join(root, 'half')), /1 of 2 files/);
  mkdirSync(join(root, 'mixed', 'a'));
  mkdirSync(join(root, 'mixed', 'b'));
  for (const config of ['a', 'b'])
    copyFileSync(fixture('plain.parquet'), join(root, 'mixed', config, 'train-00000-of-00001.parquet'));
  await refused(open(join(root, 'mixed')), /several configurations/);
  t.ok(await open(join(root, 'mixed'), { config: 'b' }));

  const bytes = readFileSync(fixture('codecs/zstd.parquet'));
  bytes.fill(0xff, 20, 600);
  writeFileSync(join(root, 'corrupt.parquet'), bytes);
  await refused(open(join(root, 'corrupt.parquet')), /row group 0 \(rows 0 … 4\) of .*corrupt.parquet/);
  const signal = AbortSignal.abort();
  await t.rejects(open(hub, { signal }), { code: 'E_ABORTED' });
});

t.test('openData: a folder, a file, and a single split', async t => {
  process.env.GRADRING_CACHE = t.testdir();
  const { train, valid } = await openData(hub);
  t.same([train.length, valid.length, valid.classes], [24, 8, expected.names]);
  const one = await openData(join(hub, 'data', 'test-00000-of-00001.parquet'), { validSplit: 0.25 });
  t.equal(one.train.length + one.valid.length, 8);
  t.ok(one.valid.length > 0 && one.valid.length < 8);
  const info = await datasetInfo(hub, { imageSize: [14, 14] });
  t.same(info.splits.train, { name: 'train', numExamples: 24, numBytes: 24 * 14 * 14 });
  t.same(info.features.label, new ClassLabel(expected.names));
  const small = await openData(hub, { imageSize: [14, 14], channels: 3 });
  t.equal((await small.train.get(3)).pixels.length, 14 * 14 * 3);
  await t.rejects(openData(hub, { labelColumn: 'labl' }), { message: /no column 'labl'/, hint: /'label'/ });
  await t.rejects(openData(hub, { imageColumn: 'caption' }), { message: /caption .* holds no images/ });
});
