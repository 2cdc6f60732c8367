/**
 * PNG files through the real decode pool, each as one sample of a batch of three: it is decoded, or it ends its epoch
 * with a SampleError that names it; and the same threads then go on with the next.
 */
import { strict as assert } from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { DataLoader } from '../../../src/data/data-loader.js';
import { ManifestDataset, type ManifestOptions } from '../../../src/data/datasets/manifest.js';
import { SampleError } from '../../../src/errors.js';
import { packageRoot } from '../../../src/package-root.js';
import type { FuzzTarget, OpenTarget, Seed } from '../target.js';

interface Picture {
  readonly shape: readonly [height: number, width: number, channels: number];
  /** Base64. */
  readonly png: string;
}

/** All kinds of PNG there are; see the README beside it. */
function corpus(): Picture[] {
  const file = join(packageRoot(), 'test/fixtures/images/png-corpus.json');
  return JSON.parse(readFileSync(file, 'utf8')).images;
}

const SIGNATURE = 8;

/** Bytes of lengths, types and, of the header, everything: in the order of the file. */
function seedOf(bytes: Buffer): Seed {
  const fields: { at: number; width: 1 | 4; bigEndian: true }[] = [16, 20].map(at => ({
    at,
    width: 4,
    bigEndian: true,
  }));
  for (let at = 24; at < 29; at++) fields.push({ at, width: 1, bigEndian: true });
  for (let at = SIGNATURE; at + 8 <= bytes.length; at += 12 + bytes.readUInt32BE(at))
    fields.push({ at, width: 4, bigEndian: true });
  return { bytes, fields };
}

/** CRCs of the chunks, as far as they can be told apart. */
function withCrcs(input: Buffer): Buffer {
  for (let at = SIGNATURE; at + 12 <= input.length; ) {
    const end = at + 12 + input.readUInt32BE(at);
    if (end > input.length) break;
    input.writeUInt32BE(crc32(input.subarray(at + 4, end - 4)), end - 4);
    at = end;
  }
  return input;
}

const ROWS = ['first.png', 'fuzzed.png', 'last.png'];

function target(
  name: string,
  options: ManifestOptions,
  pictures: (all: readonly Picture[]) => Picture[],
): FuzzTarget {
  return {
    name,
    count: 2_500,
    growthLimit: 512,
    async open(folder): Promise<OpenTarget> {
      const files = pictures(corpus()).map(({ png }) => Buffer.from(png, 'base64'));
      for (const row of ROWS) writeFileSync(join(folder, row), files[0]);
      const manifest = join(folder, 'list.csv');
      writeFileSync(manifest, ['path,label', ...ROWS.map(row => `${row},one`)].join('\n'));
      const dataset = await ManifestDataset.open(manifest, options);
      const loader = new DataLoader(dataset, { batchSize: ROWS.length, numWorkers: 2, timeout: 8 });
      const expected = Buffer.from((await dataset.get(0)).pixels);
      // The first epoch starts the threads, which is not the first input's to answer for.
      for await (const { size } of loader) assert.equal(size, ROWS.length);
      return {
        seeds: files.map(seedOf),
        repair: withCrcs,
        async read(input) {
          writeFileSync(join(folder, ROWS[1]), input);
          try {
            for await (const { size, pixels } of loader) {
              assert.equal(size, ROWS.length);
              assert.ok(expected.equals(pixels.slice(0, expected.length)), 'the one before is as ever');
              assert.ok(expected.equals(pixels.slice(2 * expected.length)), 'the one after is as ever');
            }
          } catch (error) {
            if (error instanceof SampleError) assert.match(error.where ?? '', /fuzzed\.png/);
            throw error;
          }
        },
        close: () => loader.close(),
      };
    },
  };
}

/** The shape that most of the corpus has. */
const [HEIGHT, WIDTH] = [7, 12];

export const pngTargets: readonly FuzzTarget[] = [
  target('PNG', { channels: 3 }, all => all.filter(({ shape }) => shape[0] === HEIGHT && shape[1] === WIDTH)),
  target('PNG, resized', { imageSize: [8, 8], channels: 3 }, all => [...all]),
];
