/** `pack` as a user runs it, and `gradring`, which passes on to it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Dataset, Sample } from '../../src/data/dataset.js';
import { PackDataset } from '../../src/data/datasets/pack.js';
import { openData } from '../../src/data/open-dataset.js';
import { packPair } from '../../src/data/pack-pair.js';
import { readSamples } from '../../src/data/samples/read-samples.js';
import { imageFolder } from '../data/fixtures.js';
import { runScript } from './command.js';

/** All of a dataset. */
const samplesOf = (dataset: Dataset): Promise<readonly Sample[]> =>
  readSamples(dataset, Array.from(dataset.labels.keys()));

const pack = (...args: string[]): ReturnType<typeof runScript> => runScript('pack.js', args);

t.test('packs a folder and a manifest; what is opened again is what was packed', async t => {
  const root = t.testdir();
  const folder = await imageFolder(join(root, 'images'), 5);
  const images = await openData(join(root, 'images'));
  const expected = await samplesOf(images.train);
  const copied = await pack(
    '--data',
    join(root, 'images'),
    '--out',
    join(root, 'copied', 'deep'),
    '--licence',
    'CC0',
  );
  t.equal(copied.code, 0, copied.stderr);
  t.match(copied.stdout, /train\.pack: 12 images, 0\.0 MB in .* s, \d+ MB\/s\n.*valid\.pack: 3 images/);
  t.same(readdirSync(join(root, 'copied', 'deep')), ['train.pack', 'valid.pack'], 'and no file beside them');
  t.same(await samplesOf((await openData(join(root, 'copied', 'deep'))).train), expected);
  const file = readFileSync(join(root, 'copied', 'deep', 'train.pack'));
  t.ok(file.includes(readFileSync(join(root, 'images', 'ant', '001.png'))), 'the files themselves');
  t.ok(file.includes('"licence":"CC0"'));

  const paths = folder.labels.map(
    (label, row) => `images/${['ant', 'bee', 'cat'][label]}/00${row % 5}.png,${label}`,
  );
  writeFileSync(join(root, 'list.csv'), ['path,label', ...paths].join('\n'));
  const raw = ['--encoding', 'raw', '--image-size', '3x4', '--workers', '1', '--valid-split', '0.4'];
  const decoded = await pack('--data', join(root, 'list.csv'), '--out', join(root, 'raw'), ...raw);
  t.equal(decoded.code, 0, decoded.stderr);
  const resized = await openData(join(root, 'list.csv'), { imageSize: [3, 4], validSplit: 0.4 });
  t.same(await samplesOf((await openData(join(root, 'raw'))).valid), await samplesOf(resized.valid));
  await t.rejects(openData(join(root, 'raw'), { imageSize: [6, 5] }), {
    message: /pixels of 3x4x1, not of 6x5x1/,
  });
});

t.test('a pack of image files keeps how they are resized, and can be opened otherwise', async t => {
  const root = t.testdir();
  await imageFolder(join(root, 'images', 'train'), 2, [6, 5, 1]);
  await imageFolder(join(root, 'images', 'valid'), 1, [9, 7, 1]);
  const options = { imageSize: [4, 4], fit: 'cover' } as const;
  const images = await openData(join(root, 'images'), options);
  const reports = await packPair(images, join(root, 'packed'));
  t.equal(reports.valid.images, 3);
  const packed = await openData(join(root, 'packed'));
  t.same(await samplesOf(packed.valid), await samplesOf(images.valid));
  const otherwise = { imageSize: [8, 3], channels: 3 } as const;
  const other = await openData(join(root, 'packed'), otherwise);
  t.same(
    await samplesOf(other.train),
    await samplesOf((await openData(join(root, 'images'), otherwise)).train),
  );
});

t.test('packs that are there, wrong flags, damaged images: nothing is written', async t => {
  const root = t.testdir();
  await imageFolder(join(root, 'images'), 2);
  const data = ['--data', join(root, 'images')];
  mkdirSync(join(root, 'out'));
  writeFileSync(join(root, 'out', 'valid.pack'), 'precious');
  const refused = await pack(...data, '--out', join(root, 'out'));
  t.equal(refused.code, 2);
  t.match(refused.stderr, /E_DATASET.*valid\.pack is there already/);
  t.match(refused.stderr, /--force/);
  const forced = await pack(...data, '--out', join(root, 'out'), '--force', '--quiet');
  t.same([forced.code, forced.stdout], [0, ''], forced.stderr);
  t.equal((await PackDataset.open(join(root, 'out', 'valid.pack'))).length, 3);
  for (const [args, says] of [
    [['--out', 'x'], /E_CONFIG.*--data is missing/],
    [data, /E_CONFIG.*--out is missing/],
    [[...data, '--ouT', 'x'], /did you mean --out\?/],
    [[...data, '--out', join(root, 'x'), '--encoding', 'png'], /--encoding png is not known/],
    [['--data', 'fashion-mnist:nowhere', '--out', join(root, 'x')], /E_DATASET.*nowhere/],
  ] as const) {
    const ended = await pack(...args);
    t.equal(ended.code, 2, args.join(' '));
    t.match(ended.stderr, says);
  }
  writeFileSync(join(root, 'images', 'cat', '000.png'), 'no image');
  writeFileSync(join(root, 'images', 'cat', '001.png'), 'no image');
  const damaged = await pack(...data, '--out', join(root, 'x', 'y'), '--encoding', 'raw');
  t.equal(damaged.code, 1);
  t.match(damaged.stderr, /E_SAMPLE.*cat.00\d\.png \(row \d of /);
  t.notOk(existsSync(join(root, 'x')));
});

t.test('an aborted pack leaves what was there, and nothing else', async t => {
  const root = t.testdir();
  await imageFolder(join(root, 'images'), 30);
  const pair = await openData(join(root, 'images'));
  await packPair(pair, join(root, 'old'));
  const before = readFileSync(join(root, 'old', 'train.pack'));
  for (const folder of ['old', 'new']) {
    const controller = new AbortController();
    const packing = packPair(pair, join(root, folder), {
      force: true,
      encoding: 'raw',
      signal: controller.signal,
      onPacked: split => split === 'train' && controller.abort(new Error('enough')),
    });
    await t.rejects(packing, { code: 'E_ABORTED' });
  }
  t.same(readdirSync(root).sort(), ['images', 'old']);
  t.same(readdirSync(join(root, 'old')), ['train.pack', 'valid.pack']);
  t.same(readFileSync(join(root, 'old', 'train.pack')), before);
});

t.test('gradring passes on to its commands', async t => {
  const help = await runScript('gradring.js', ['--help']);
  t.equal(help.code, 0);
  for (const command of ['train', 'pack', 'profile', 'doctor'])
    t.match(help.stdout, new RegExp(`^ {2}${command} `, 'm'));
  const unknown = await runScript('gradring.js', ['pakc']);
  t.same([unknown.code, unknown.stdout], [2, '']);
  t.match(unknown.stderr, /no command pakc/);
  const packHelp = await runScript('gradring.js', ['pack', '--help']);
  t.equal(packHelp.code, 0);
  t.match(packHelp.stdout, /--encoding <image\|raw>/);
  const missing = await runScript('gradring.js', ['pack', '--data', 'sample']);
  t.match(missing.stderr, /--out is missing/);
});
