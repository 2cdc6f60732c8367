/** JPEG files, whole and at a part of their size. */
import sharp from 'sharp';
import { Purpose, Random } from '../../../src/random.js';
import type { Field, FuzzTarget, Seed } from '../target.js';
import { type ImageFormat, imageTarget } from './image.js';

const [HEIGHT, WIDTH] = [24, 40];
const SOS = 0xda;

/** Lengths of the segments up to the first scan, and the sides. */
function seedOf(bytes: Buffer): Seed {
  const fields: Field[] = [];
  for (let at = 2; bytes[at] === 0xff && bytes[at + 1] !== SOS; at += 2 + bytes.readUInt16BE(at + 2)) {
    fields.push({ at: at + 2, width: 2, bigEndian: true });
    // A frame: precision, height, width.
    if ((bytes[at + 1] & 0xf0) === 0xc0 && bytes[at + 1] !== 0xc4)
      for (const side of [at + 5, at + 7]) fields.push({ at: side, width: 2, bigEndian: true });
  }
  return { bytes, fields };
}

/** Noise in colour and in grey, in the ways that cameras and converters write it. */
function files(): Promise<Buffer[]> {
  const random = new Random({ seed: 1, purpose: Purpose.noise });
  const pixels = Buffer.from(Array.from({ length: HEIGHT * WIDTH * 3 }, () => random.below(256)));
  const image = sharp(pixels, { raw: { height: HEIGHT, width: WIDTH, channels: 3 } });
  return Promise.all([
    image.clone().jpeg().toBuffer(),
    image.clone().jpeg({ chromaSubsampling: '4:4:4' }).toBuffer(),
    image.clone().jpeg({ progressive: true }).toBuffer(),
    image
      .clone()
      .withExif({ IFD0: { Orientation: '6' } })
      .jpeg()
      .toBuffer(),
    image.clone().greyscale().jpeg().toBuffer(),
  ]);
}

const format: ImageFormat = { extension: 'jpg', seedOf };

export const jpegTargets: readonly FuzzTarget[] = [
  imageTarget('JPEG', format, { channels: 3 }, files),
  imageTarget('JPEG, resized', format, { imageSize: [8, 8], channels: 3 }, files),
];
