/** PNG files of all kinds. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { packageRoot } from '../../../src/package-root.js';
import type { FuzzTarget, Seed } from '../target.js';
import { type ImageFormat, imageTarget } from './image.js';

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

/** The shape that most of the corpus has. */
const [HEIGHT, WIDTH] = [7, 12];

const format: ImageFormat = { extension: 'png', seedOf, repair: withCrcs };

const filesOf = (pictures: readonly Picture[]): Buffer[] =>
  pictures.map(({ png }) => Buffer.from(png, 'base64'));

export const pngTargets: readonly FuzzTarget[] = [
  imageTarget('PNG', format, { channels: 3 }, () =>
    filesOf(corpus().filter(({ shape }) => shape[0] === HEIGHT && shape[1] === WIDTH)),
  ),
  imageTarget('PNG, resized', format, { imageSize: [5, 8], channels: 3 }, () => filesOf(corpus())),
];
