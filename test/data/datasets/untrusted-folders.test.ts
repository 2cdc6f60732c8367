/** Folders and files of data made to do harm, or only broken: nothing hangs, and nothing outside is read. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { Header } from 'tar';
import { DataLoader } from '../../../src/data/data-loader.js';
import type { Dataset } from '../../../src/data/dataset.js';
import { IdxDataset } from '../../../src/data/datasets/idx.js';
import { ImageFolder } from '../../../src/data/datasets/image-folder.js';
import { ManifestDataset } from '../../../src/data/datasets/manifest.js';
import { PackDataset } from '../../../src/data/datasets/pack.js';
import { WebDataset } from '../../../src/data/datasets/web-dataset.js';
import { writePack } from '../../../src/data/datasets/write-pack.js';
import { openData } from '../../../src/data/open-dataset.js';
import { packDataset } from '../../../src/data/pack-dataset.js';
import { idx, imageFolder, noise, png, readEpoch } from '../fixtures.js';

const shape = [6, 5, 1] as const;

/** Rows that a loader leaves out, with their reasons. */
async function badRows(dataset: Dataset, numWorkers: number): Promise<[row: number, reason: string][]> {
  const loader = new DataLoader(dataset, { numWorkers, onBadSample: 'skip', timeout: 60 });
  await readEpoch(loader);
  await loader.close();
  return loader.badSamples.map(({ row, reason }) => [row, reason]);
}

t.test('what is no file is a bad sample, and nobody waits for it', async t => {
  const { root, pixels } = await imageFolder(join(t.testdir(), 'images'), 4);
  const at = (name: string): string => join(root, 'bee', name);
  for (const name of ['000.png', '001.png', '002.png']) rmSync(at(name));
  execFileSync('mkfifo', [at('000.png')]);
  symlinkSync('/dev/zero', at('001.png'));
  symlinkSync(at('nowhere.png'), at('002.png'));
  mkdirSync(at('folder.png'));
  writeFileSync(at('folder.png/inner.png'), await png(pixels[0], shape));
  // Elsewhere: the path of a socket is short.
  const socket = join(mkdtempSync(join(tmpdir(), 'gradring-')), 'socket');
  const server = createServer().listen(socket);
  await once(server, 'listening');
  symlinkSync(socket, at('socket.png'));
  t.teardown(() => {
    server.close();
    rmSync(dirname(socket), { recursive: true });
  });
  await t.rejects(ImageFolder.open(root), { code: 'E_DATASET', message: /leads out of the data folder/ });
  const dataset = await ImageFolder.open(root, { allowOutside: true });
  t.same((await dataset.get(8)).pixels, pixels[0], 'a folder that is called as an image is a folder');
  for (const numWorkers of [0, 1])
    t.match(await badRows(dataset, numWorkers), [
      [4, /no regular file/],
      [5, /no regular file/],
      [6, /ENOENT/],
      [9, /ENXIO/],
    ]);
  // A pipe in the first place, where the shape is asked for.
  rmSync(join(root, 'ant', '000.png'));
  execFileSync('mkfifo', [join(root, 'ant', '000.png')]);
  await t.rejects(ImageFolder.open(root, { allowOutside: true }), { code: 'E_SAMPLE' });
});

const asRoot = process.getuid?.() === 0 && 'nothing is forbidden to root';

t.test('a file that may not be read is a bad sample', { skip: asRoot }, async t => {
  const { root } = await imageFolder(join(t.testdir(), 'images'), 2);
  chmodSync(join(root, 'bee', '000.png'), 0);
  t.match(await badRows(await ImageFolder.open(root), 1), [[2, /EACCES/]]);
});

t.test('links stay within the folder, unless that is allowed', async t => {
  const outside = await imageFolder(join(t.testdir(), 'outside'), 2);
  const secret = join(outside.root, 'ant', '000.png');
  const names = async (root: string, allowOutside = false): Promise<string[]> => {
    const dataset = await ImageFolder.open(root, { allowOutside });
    return [...dataset.labels.keys()].map(
      row =>
        dataset
          .describe(row)
          .slice(root.length + 1)
          .split(' (')[0],
    );
  };
  const links: [string, string][] = [
    [secret, 'ant/100.png'],
    [join(outside.root, 'ant'), 'ant/more'],
    [join(outside.root, 'ant'), 'dog'],
  ];
  for (const [target, link] of links) {
    const { root } = await imageFolder(join(t.testdirName, 'images', link.replace('/', '-')), 1);
    symlinkSync(target, join(root, link));
    await t.rejects(ImageFolder.open(root), {
      code: 'E_DATASET',
      message: new RegExp(`${link} leads out of the data folder, to ${target}`),
      where: join(root, link),
      hint: /--allow-outside/,
    });
    t.equal((await names(root, true)).length, link === 'ant/100.png' ? 4 : 5);
  }
  const { root } = await imageFolder(join(t.testdirName, 'inside'), 1);
  symlinkSync('../bee/000.png', join(root, 'ant', '100.png'));
  symlinkSync('.', join(root, 'bee', 'loop'));
  symlinkSync('..', join(root, 'bee', 'up'));
  symlinkSync('self', join(root, 'bee', 'self'));
  symlinkSync('/etc', join(root, 'bee', '.hidden'));
  symlinkSync('/etc/passwd', join(root, 'bee', 'notes.txt'));
  const found = await names(root);
  t.ok(found.includes('ant/100.png'), 'a link to what is inside');
  t.ok(found.length < 40, `links in circles end: ${found.length} images`);

  const split = join(t.testdirName, 'split');
  await imageFolder(join(split, 'valid'), 1);
  symlinkSync(outside.root, join(split, 'train'));
  await t.rejects(openData(split), { code: 'E_DATASET', message: /train leads out of the data folder/ });
  t.equal((await openData(split, { allowOutside: true })).train.length, 6);
});

t.test('names of all kinds', async t => {
  const root = join(t.testdir(), 'im\nages');
  const { pixels } = await imageFolder(root, 1, shape, [
    'a b',
    "it's",
    '日本 ☃',
    'back\\.slash',
    '%2e%2e',
    '-rf',
  ]);
  const odd = ['new\nline.png', 'tab\t.png', '..dots.png'.slice(1), '#1?.png', '"quoted".PNG', '*.png'];
  const shown = odd.filter(name => !name.startsWith('.'));
  for (const name of odd) writeFileSync(join(root, 'a b', name), await png(pixels[0], shape));
  const dataset = await ImageFolder.open(root);
  t.same(dataset.classes, ['%2e%2e', '-rf', 'a b', 'back\\.slash', "it's", '日本 ☃']);
  t.equal(dataset.length, 6 + shown.length);
  t.same(await badRows(dataset, 1), []);
  // Not UTF-8: the name that is found is of no file.
  writeFileSync(
    Buffer.concat([Buffer.from(join(root, 'a b', 'x')), Buffer.of(0xff), Buffer.from('.png')]),
    'x',
  );
  t.match(await badRows(await ImageFolder.open(root), 0), [[/\d/, /ENOENT/]]);
});

t.test('paths of manifests stay within its folder', async t => {
  const { root } = await imageFolder(join(t.testdir(), 'data'), 2);
  const outside = await imageFolder(join(t.testdirName, 'outside'), 1);
  const secret = join(outside.root, 'ant', '000.png');
  const open = (path: string, options = {}): Promise<ManifestDataset> => {
    const file = join(root, 'list.csv');
    writeFileSync(file, `path,label\nant/000.png,ant\n"${path}",bee\n`);
    return ManifestDataset.open(file, options);
  };
  for (const path of ['../outside/ant/000.png', 'ant/../../outside/ant/000.png', secret, '../data-2/x.png']) {
    await t.rejects(open(path), {
      code: 'E_DATASET',
      where: `${path} in ${join(root, 'list.csv')}, line 3`,
      message: /leads out of the data folder/,
    });
    t.equal((await open(path, { allowOutside: true })).length, 2);
  }
  t.equal(
    (await open(secret, { root: t.testdirName, imageSize: [6, 5], channels: 1 })).length,
    2,
    'root says what is inside',
  );
  t.equal((await open(join(root, 'bee', '000.png'))).length, 2, 'an absolute path within');
  symlinkSync(secret, join(root, 'bee', 'link.png'));
  await t.rejects(open('bee/link.png', { check: true }), {
    code: 'E_DATASET',
    message: /link\.png leads out/,
  });
});

/** A tar archive of one member, with its header as it is given. */
function tarOf(path: string, bytes: Buffer, change: (block: Buffer) => void = () => undefined): Buffer {
  const block = Buffer.alloc(512);
  new Header({ path, size: bytes.length, mode: 0o644, type: 'File' }).encode(block, 0);
  change(block);
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([block, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

t.test('shards: names that climb name nothing, sizes that lie are damage', async t => {
  const file = join(t.testdir(), 'shard.tar');
  const image = await png(noise(1, shape), shape);
  const label = tarOf('../../etc/passwd.cls', Buffer.from('0'));
  const end = Buffer.alloc(1024);
  writeFileSync(file, Buffer.concat([tarOf('../../etc/passwd.png', image), label, end]));
  const dataset = await WebDataset.open(file);
  t.same(
    (await dataset.get(0)).pixels,
    noise(1, shape),
    'a name is a name: its bytes are those of the archive',
  );
  // Base-256: −512 would lead back to this header for ever; 2^62 is past any file.
  for (const size of [
    Buffer.from('fffffffffffffffffffffe00', 'hex'),
    Buffer.from('800000004000000000000000', 'hex'),
  ]) {
    const lie = tarOf('a.png', image, block => block.set(size, 124));
    writeFileSync(file, Buffer.concat([lie, label, end]));
    await t.rejects(WebDataset.open(file), { code: 'E_DATASET' });
  }
});

t.test('counts and sizes that lie are refused', async t => {
  const { root } = await imageFolder(join(t.testdir(), 'images'), 2);
  const pack = join(t.testdirName, 'a.pack');
  await packDataset(await ImageFolder.open(root), pack);
  const bytes = readFileSync(pack);
  const forged = (from: string, to: string): void => {
    const copy = Buffer.from(bytes);
    copy.write(to.padEnd(from.length), copy.indexOf(from));
    writeFileSync(pack, copy);
  };
  forged('"count":6,"classes":["ant","bee","cat"]', '"count":9e15,"classes":["ant"]');
  await t.rejects(PackDataset.open(pack), { code: 'E_DATASET', message: /index of its 9000000000000000/ });
  forged(
    '"classes":["ant","bee","cat"],"imageShape":[6,5,1]',
    '"classes":["a","b",""],"imageShape":[65535,6553,1]',
  );
  await t.rejects(PackDataset.open(pack), { code: 'E_DATASET', message: /65535x6553, maxPixels is/ });
  const header = { count: 4e9, classes: ['a'], imageShape: [6, 5, 1] as [6, 5, 1], encoding: 'raw' as const };
  const record = { bytes: noise(1, shape), label: 0 };
  await t.rejects(
    writePack(pack, { ...header, source: 'a table that lies', licence: '' }, [record]),
    { code: 'E_DATASET', message: /1 records came, the header says 4000000000/ },
    'an index is as long as there are records',
  );

  const [images, labels] = [join(t.testdirName, 'i.gz'), join(t.testdirName, 'l')];
  writeFileSync(labels, idx(new Uint8Array(6), [6]));
  const open = (content: Buffer): Promise<IdxDataset> => {
    writeFileSync(images, content);
    return IdxDataset.open(images, labels);
  };
  const bomb = Buffer.concat([idx(new Uint8Array(6 * 30), [6, 6, 5]), Buffer.alloc(128 << 20)]);
  await t.rejects(open(gzipSync(bomb, { level: 1 })), {
    code: 'E_DATASET',
    message: /more than the 6 x 6 x 5/,
  });
  const claim = idx(new Uint8Array(180), [0xffffffff, 0xffffffff, 0xffffffff]);
  await t.rejects(open(gzipSync(claim)), { code: 'E_DATASET', message: /header says .* it has 180/ });
  await t.rejects(open(claim), { code: 'E_DATASET', message: /header says .* it has 180/ });
});
