/** The cache file from one process to the next: used where it is good, made anew where it is not. */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { readHead } from '../../../src/data/cache/cache-file.js';
import type { CacheOptions } from '../../../src/data/cache/cache-options.js';
import type { CacheState } from '../../../src/data/cache/cache-state.js';
import { DataLoader } from '../../../src/data/data-loader.js';
import { ImageFolder, type ImageFolderOptions } from '../../../src/data/datasets/image-folder.js';
import { type Folder, imageFolder, readEpoch } from '../fixtures.js';

const shape = [6, 5, 1];
const rowBytes = 30;
const rows = 36;

/** Seconds since 1970; the time of change of every image, to be given to it again. */
const THEN = 1_700_000_000;

interface Place {
  readonly folder: Folder;
  readonly cache: CacheOptions & { readonly folder: string };
}

async function place(root: string): Promise<Place> {
  const folder = await imageFolder(join(root, 'images'), rows / 3, shape);
  for (const path of imagesOf(folder)) utimesSync(path, THEN, THEN);
  return { folder, cache: { kind: 'disk', folder: join(root, 'cache') } };
}

/** As another process would: the dataset opened anew, and all it knows is in the file. */
async function reopen({ folder, cache }: Place, options?: ImageFolderOptions): Promise<DataLoader> {
  const images = await ImageFolder.open(folder.root, options);
  return new DataLoader(images, { batchSize: 7, shuffle: true, numWorkers: 1, cache });
}

/** Reads an epoch and compares it with the images. */
async function check(t: Test, loader: DataLoader, { pixels }: Folder): Promise<void> {
  for (const batch of await readEpoch(loader)) {
    t.same(batch.pixels, Buffer.concat(batch.indices.map(row => pixels[row])));
  }
  await loader.close();
}

const stateOf = ({ cache }: DataLoader): CacheState => cache as CacheState;

/** Leaves nothing that could be decoded but the first image, which tells the shape; sizes and times stay. */
function ruinImages(folder: Folder): void {
  for (const path of imagesOf(folder).slice(1)) {
    writeFileSync(path, Buffer.alloc(statSync(path).size));
    utimesSync(path, THEN, THEN);
  }
}

function imagesOf({ root }: Folder): string[] {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' });
  return names
    .filter(name => name.endsWith('.png'))
    .sort()
    .map(name => join(root, name));
}

/** Writes over some bytes of the only file in the cache. */
function overwrite({ cache }: Place, at: (layout: Layout) => number, bytes: readonly number[]): void {
  const file = fileOf(cache.folder);
  const descriptor = openSync(file, 'r+');
  const { layout } = readHead(descriptor) as { layout: Layout };
  writeSync(descriptor, Uint8Array.from(bytes), 0, bytes.length, at(layout));
  closeSync(descriptor);
}

type Layout = NonNullable<ReturnType<typeof readHead>>['layout'];

function fileOf(folder: string): string {
  const names = readdirSync(folder);
  t.equal(names.length, 1, 'one file, and no rests of making it');
  return join(folder, names[0]);
}

t.test('a new process decodes nothing, and one that ended early leaves what it had', async t => {
  const here = await place(t.testdir());
  const loader = await reopen(here);
  let batches = 0;
  for await (const _ of loader) if (++batches === 2) break;
  await loader.close();
  const { held } = stateOf(loader);
  t.ok(held >= 14 && held < rows, `${held} images so far`);
  const next = await reopen(here);
  t.equal(stateOf(next).held, held);
  await check(t, next, here.folder);
  t.equal(stateOf(next).held, rows);
  const smaller = await reopen({ ...here, cache: { ...here.cache, maxBytes: 1 } });
  t.match(stateOf(smaller), { held: rows, limit: 0, advice: undefined }, 'a bound takes nothing away');
  ruinImages(here.folder);
  await check(t, await reopen(here), here.folder);
  const [library, images] = ['data-loader.js', 'datasets/image-folder.js'].map(
    name => new URL(`../../../src/data/${name}`, import.meta.url).href,
  );
  const program = `
    const [{ DataLoader }, { ImageFolder }] = await Promise.all(['${library}', '${images}'].map(u => import(u)));
    const images = await ImageFolder.open(${JSON.stringify(here.folder.root)});
    const cache = ${JSON.stringify(here.cache)};
    const loader = new DataLoader(images, { batchSize: ${rows}, numWorkers: 0, cache });
    for await (const { pixels } of loader) process.stdout.write(Buffer.from(pixels).toString('hex'));`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  t.equal(stdout, Buffer.concat(here.folder.pixels).toString('hex'));
});

t.test('two processes that fill it at the same time write the same file', async t => {
  const here = await place(t.testdir());
  const both = await Promise.all([reopen(here), reopen(here)]);
  await Promise.all(both.map(loader => check(t, loader, here.folder)));
  ruinImages(here.folder);
  await check(t, await reopen(here), here.folder);
});

t.test('a changed image, another time, or another shape: nothing old is used', async t => {
  const here = await place(t.testdir());
  const idOf = async (options?: ImageFolderOptions): Promise<{ file?: string; held: number }> => {
    const loader = await reopen(here, options);
    const { file, held } = stateOf(loader);
    return { file, held };
  };
  await check(t, await reopen(here), here.folder);
  const { file, held } = await idOf();
  t.equal(held, rows);
  t.same(await idOf({ imageSize: [4, 4] }).then(other => [other.held, other.file === file]), [0, false]);
  t.equal((await idOf()).held, rows, 'the first one is still good');
  const image = join(here.folder.root, 'bee', '003.png');
  utimesSync(image, THEN, THEN + 1);
  t.same(await idOf(), { file, held: 0 }, 'touched');
  await check(t, await reopen(here), here.folder);
  writeFileSync(image, Buffer.concat([readFileSync(image), Buffer.alloc(1)]));
  utimesSync(image, THEN, THEN + 1);
  t.same(await idOf(), { file, held: 0 }, 'of another size');
});

t.test('damage is found: bytes of a row, its checksum, the header, the end', async t => {
  const row = 11;
  const damages: Readonly<Record<string, (here: Place) => number>> = {
    'a flipped bit of a row': here => {
      const flipped = here.folder.pixels[row][4] ^ 1;
      overwrite(here, ({ rowsAt }) => rowsAt + row * rowBytes + 4, [flipped]);
      return rows;
    },
    'a flipped bit of a checksum': here => {
      const file = readFileSync(fileOf(here.cache.folder));
      overwrite(here, ({ checksumsAt }) => checksumsAt + 4 * row, [file[4096 + 4 * row] ^ 0x10]);
      return rows;
    },
    'the header': here => {
      overwrite(here, () => 20, [0x7b]);
      return 0;
    },
    'the length of the header': here => {
      overwrite(here, () => 8, [0xff, 0xff, 0xff, 0xff]);
      return 0;
    },
    'a file cut short': here => {
      truncateSync(fileOf(here.cache.folder), statSync(fileOf(here.cache.folder)).size - 1);
      return 0;
    },
    'an empty file': here => {
      truncateSync(fileOf(here.cache.folder), 0);
      return 0;
    },
  };
  for (const [name, damage] of Object.entries(damages)) {
    const here = await place(t.testdir({}));
    rmSync(here.cache.folder, { recursive: true, force: true });
    await check(t, await reopen(here), here.folder);
    const left = damage(here);
    const loader = await reopen(here);
    t.equal(stateOf(loader).held, left, name);
    await check(t, loader, here.folder);
    ruinImages(here.folder);
    const repaired = await reopen(here);
    t.equal(stateOf(repaired).held, rows, `${name}: repaired`);
    await check(t, repaired, here.folder);
  }
});

t.test('a file that is taken away or replaced while it is in use does no harm', async t => {
  const here = await place(t.testdir());
  const loader = await reopen(here);
  await readEpoch(loader);
  rmSync(here.cache.folder, { recursive: true });
  t.same(
    (await readEpoch(loader)).flatMap(({ indices }) => indices).sort((a, b) => a - b),
    [...Array(rows).keys()],
  );
  const other = await reopen(here);
  t.equal(stateOf(other).held, 0);
  await check(t, loader, here.folder);
  t.equal(stateOf(other).held, 0, 'and the new one is not written by those who had the old one');
  await check(t, other, here.folder);
});

t.test('small images are read from the file once, and then from memory', async t => {
  const here = await place(t.testdir());
  await readEpoch(await reopen(here));
  const loader = await reopen(here);
  await readEpoch(loader);
  ruinImages(here.folder);
  overwrite(here, ({ rowsAt }) => rowsAt, new Array(rows * rowBytes).fill(1));
  await check(t, loader, here.folder);
});
