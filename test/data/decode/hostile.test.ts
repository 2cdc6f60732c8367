/** Images made to do harm: refused by what their headers say, in little memory and time. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import t from 'tap';
import { DataLoader } from '../../../src/data/data-loader.js';
import { ImageFolder } from '../../../src/data/datasets/image-folder.js';
import { openData } from '../../../src/data/open-dataset.js';
import { imageFolder, noise, png, readEpoch } from '../fixtures.js';
import type { BombReport } from './bomb-process.js';
import { pngChunk, pngOf } from './corpus.js';

/** A PNG of any size, 8 bits a sample. */
function largePng(
  width: number,
  height: number,
  colourType: number,
  interlaced: boolean,
  idat: Buffer,
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, colourType, 0, 0, interlaced ? 1 : 0], 8);
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat([signature, pngChunk('IHDR', header), pngChunk('IDAT', idat), pngChunk('IEND')]);
}

const zeros = deflateSync(Buffer.alloc(200 << 20), { level: 1 });
const rows = deflateSync(Buffer.alloc(64 * (1 + 64 * 3)));
const text = Buffer.concat([Buffer.from('Comment\0\0', 'latin1'), deflateSync(Buffer.alloc(50 << 20))]);

/** A JPEG whose header says that it is larger. */
async function largeJpeg(width: number, height: number): Promise<Buffer> {
  const raw = { width: 64, height: 64, channels: 3 } as const;
  const jpeg = await sharp(noise(1, [64, 64, 3]), { raw })
    .jpeg()
    .toBuffer();
  const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
  jpeg.writeUInt16BE(height, frame + 5);
  jpeg.writeUInt16BE(width, frame + 7);
  return jpeg;
}

const entities = (): string => {
  const lines = Array.from({ length: 20 }, (_, i) => `<!ENTITY e${i + 1} "${`&e${i};`.repeat(10)}">`);
  return `<!DOCTYPE svg [<!ENTITY e0 "ha">${lines.join('')}]>`;
};

const tooLarge = /maxPixels is 100000000/;
const notTheSize = /the dataset's images are 64x64/;
const refused = /^(?!decoded)./;

/** Name, file, and what is said of it by itself and resized. */
const bombs: readonly (readonly [string, Buffer | string, RegExp, RegExp])[] = [
  // Whoever decodes these stops where the image is whole, or refuses what follows.
  ['rows without end', pngOf(64, 64, 2, pngChunk('IDAT', zeros)), /./, /./],
  ['the same, small', pngOf(8, 8, 0, pngChunk('IDAT', zeros)), notTheSize, /./],
  ['text', pngOf(64, 64, 2, pngChunk('zTXt', text), pngChunk('IDAT', rows)), /^decoded$/, /^decoded$/],
  ['a large plain PNG', largePng(30_000, 30_000, 2, false, rows), tooLarge, tooLarge],
  ['a large interlaced PNG', largePng(30_000, 30_000, 2, true, rows), tooLarge, tooLarge],
  ['a large JPEG', await largeJpeg(60_000, 60_000), tooLarge, tooLarge],
  ['a large GIF', Buffer.from('GIF89a\xff\xff\xff\xff\x00\x00\x00;', 'latin1'), refused, refused],
  [
    'a large SVG',
    '<svg xmlns="http://www.w3.org/2000/svg" width="30000" height="30000"><rect width="9" height="9"/></svg>',
    tooLarge,
    tooLarge,
  ],
  [
    'entities of entities',
    `${entities()}<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><text>&e20;</text></svg>`,
    refused,
    refused,
  ],
];

t.test('bombs take no more memory than an image of the dataset', async t => {
  const folder = t.testdir();
  const sound = join(folder, 'sound.png');
  writeFileSync(sound, await png(noise(1, [64, 64, 3]), [64, 64, 3]));
  const files = bombs.map(([, bytes], i) => {
    const file = join(folder, `${i}.png`);
    writeFileSync(file, bytes);
    return file;
  });
  const script = fileURLToPath(new URL('bomb-process.js', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, sound, ...files]);
  const { outcomes, grownMiB } = JSON.parse(stdout) as BombReport;
  for (const [i, [name, , alone, resized]] of bombs.entries()) {
    t.match(outcomes[i], { alone, resized }, name);
    if (!name.endsWith('small')) t.not(outcomes[i].small, 'decoded', `${name}, as a small image`);
  }
  t.ok(grownMiB < 64, `the process grew by ${grownMiB.toFixed(0)} MiB; the bombs hold some of 200 MiB each`);
});

t.test('limits of a dataset, whoever reads it', async t => {
  const { root } = await imageFolder(join(t.testdir(), 'images'), 3);
  const file = join(root, 'bee', '001.png');
  writeFileSync(file, await png(noise(1, [90, 100, 1]), [90, 100, 1]));
  const resized = { imageSize: [6, 5], channels: 1 } as const;
  for (const [limits, reason] of [
    [{ maxPixels: 8999 }, `it is 90x100, maxPixels is 8999`],
    [{ maxFileBytes: 8000 }, /^it has \d{4} bytes, maxFileBytes is 8000$/],
  ] as const) {
    const dataset = await ImageFolder.open(root, { ...resized, ...limits });
    for (const numWorkers of [0, 1]) {
      const loader = new DataLoader(dataset, { numWorkers, onBadSample: 'skip' });
      t.equal((await readEpoch(loader))[0].indices.length, 8);
      t.match(loader.badSamples, [{ row: 4, where: `${file} (row 4 of ${root})`, reason }]);
      await loader.close();
    }
    await t.rejects(dataset.get(4), { code: 'E_SAMPLE', message: /^cannot use /, hint: /raise the limit/ });
  }
  t.equal((await ImageFolder.open(root, { ...resized, maxPixels: 9000 }).then(all => all.get(4))).index, 4);
  for (const limits of [{ maxPixels: 29 }, { maxFileBytes: 60 }])
    await t.rejects(ImageFolder.open(root, limits), { code: 'E_SAMPLE', message: /000\.png: it (is|has) / });
  await t.rejects(openData(root, { maxPixels: 0 }), { code: 'E_CONFIG', where: 'maxPixels' });
});

t.test('what a file is called says nothing: its content does', async t => {
  const { root, pixels } = await imageFolder(join(t.testdir(), 'images'), 3);
  const raw = { width: 5, height: 6, channels: 1 } as const;
  const webp = await sharp(pixels[0], { raw }).toColourspace('b-w').webp({ lossless: true }).toBuffer();
  writeFileSync(join(root, 'ant', '000.png'), webp);
  const dataset = await ImageFolder.open(root, { channels: 1 });
  t.same((await dataset.get(0)).pixels, pixels[0], 'a WebP called .png');
  const whole = await png(pixels[4], [6, 5, 1]);
  const jpeg = await sharp(noise(1, [60, 50, 3]), { raw: { width: 50, height: 60, channels: 3 } })
    .jpeg()
    .toBuffer();
  for (const bytes of [
    '<!doctype html><title>404</title>',
    '\0'.repeat(100),
    whole.subarray(0, 45),
    jpeg.subarray(0, 600),
  ]) {
    writeFileSync(join(root, 'bee', '001.png'), bytes);
    await t.rejects(dataset.get(4), { code: 'E_SAMPLE', where: dataset.describe(4) });
  }
});

t.test('a first image that cannot be read is passed over where bad samples are skipped', async t => {
  const { root } = await imageFolder(join(t.testdir(), 'images'), 3);
  writeFileSync(join(root, 'ant', '000.png'), 'no image');
  await t.rejects(ImageFolder.open(root), { code: 'E_SAMPLE', message: /cannot decode .*000\.png/ });
  t.same((await ImageFolder.open(root, { onBadSample: 'skip' })).imageShape, [6, 5, 1]);
});
