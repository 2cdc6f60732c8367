/**
 * Plain PNGs without sharp, which spends 0.4 ms on its pipeline before the first pixel: inflated, and the filters
 * undone where the pixels are wanted, by the compiled decoder or else by Node's own zlib and TypeScript.
 */
import { inflateSync } from 'node:zlib';
import type { ImageShape } from '../../protocol/batch.js';
import { imageAddon } from '../image-addon.js';
import type { Resize } from './decode.js';
import { placePixels } from './place-pixels.js';
import type { PngFile } from './png-file.js';
import { filtersExist, unfilter } from './png-unfilter.js';
import { reduceInto } from './reduction.js';

/** zlib's smallest output buffer. */
const LEAST = 64;

/** Writes the rows of samples, one after the other. False, with nothing written, where the stream is not sound. */
export type Unpack = (png: PngFile, target: Uint8Array) => boolean;

/**
 * Writes the pixels, uint8 HWC, into `target`, which is of the image's own height and width.
 *
 * @returns false, with nothing written, where it is not certainly sound: a slower decoder has to decide
 */
export function decodePng(
  png: PngFile,
  target: Uint8Array,
  channels: number,
  unpack: Unpack = unpackPng,
): boolean {
  const { width, height, samples, palette } = png;
  if (samples === channels && palette === undefined) return unpack(png, target);
  const rows = new Uint8Array(height * width * samples);
  if (!unpack(png, rows)) return false;
  if (palette !== undefined) return placeColours(rows, palette, target);
  placePixels(rows, samples, target, channels);
  return true;
}

/** Whether PNGs are unpacked by the compiled decoder, faster than by anything else. */
export const unpacksCompiled = (): boolean => imageAddon().unpackPng !== undefined;

export const unpackPng: Unpack = (png, target) =>
  (unpacksCompiled() ? unpackCompiled : unpackPlain)(png, target);

export const unpackCompiled: Unpack = (png, target) => {
  const { width, height, samples } = png;
  return imageAddon().unpackPng?.(streamOf(png), height, width * samples, samples, target) ?? false;
};

/**
 * Writes the pixels, uint8 HWC, as they are resized to `shape`.
 *
 * @returns false, with nothing written, where another decoder has to do it
 */
export function reducePng(png: PngFile, shape: ImageShape, resize: Resize, target: Uint8Array): boolean {
  const reduce = imageAddon().reducePng;
  if (reduce === undefined || png.palette !== undefined) return false;
  return reduceInto(target, png, shape, resize, (reduction, pixels) =>
    reduce(streamOf(png), reduction, pixels),
  );
}

export const unpackPlain: Unpack = (png, target) => {
  const rowBytes = png.width * png.samples;
  const filtered = inflatePlain(png, png.height * (rowBytes + 1));
  if (filtered === undefined || !filtersExist(filtered, rowBytes)) return false;
  unfilter(filtered, rowBytes, png.samples, target);
  return true;
};

/** Streams of up to so many bytes are put together in memory that is kept. */
const MOST_KEPT = 2 ** 24;

let joined = Buffer.allocUnsafeSlow(0);

/** The zlib stream of all its parts, until the next call. */
export function streamOf({ parts }: PngFile): Uint8Array {
  if (parts.length === 1) return parts[0];
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length > MOST_KEPT) return Buffer.concat(parts, length);
  if (joined.length < length) joined = Buffer.allocUnsafeSlow(Math.min(2 * length, MOST_KEPT));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined.subarray(0, length);
}

/** @returns undefined where it does not come to that many bytes */
export function inflatePlain(png: PngFile, length: number): Uint8Array | undefined {
  try {
    // The whole output in one buffer; one byte more than expected already is too long.
    const room = Math.max(LEAST, length + 1);
    const { buffer, byteOffset, byteLength } = inflateSync(streamOf(png), {
      chunkSize: room,
      maxOutputLength: room,
    });
    if (byteLength !== length) return undefined;
    // Not the Buffer itself: the loops over it stay as fast as those over the target, being of the same type.
    return new Uint8Array(buffer, byteOffset, byteLength);
  } catch {
    return undefined;
  }
}

/** @returns false, with nothing written, where a pixel has no colour */
function placeColours(places: Uint8Array, palette: Uint8Array, target: Uint8Array): boolean {
  const colours = palette.length / 3;
  if (places.some(place => place >= colours)) return false;
  for (let i = 0; i < places.length; i++) {
    const colour = 3 * places[i];
    target[3 * i] = palette[colour];
    target[3 * i + 1] = palette[colour + 1];
    target[3 * i + 2] = palette[colour + 2];
  }
  return true;
}
