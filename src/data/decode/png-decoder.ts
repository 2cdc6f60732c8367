/**
 * Plain PNGs without sharp, which spends 0.4 ms on its pipeline before the first pixel: Node's own zlib, and the
 * filters undone where the pixels are wanted.
 */
import { inflateSync } from 'node:zlib';
import { placePixels } from './place-pixels.js';
import type { PngFile } from './png-file.js';
import { filtersExist, unfilter } from './png-unfilter.js';

/** zlib's smallest output buffer. */
const LEAST = 64;

/**
 * Writes the pixels, uint8 HWC, into `target`, which is of the image's own height and width.
 *
 * @returns false, with nothing written, where it is not certainly sound: a slower decoder has to decide
 */
export function decodePng(png: PngFile, target: Uint8Array, channels: number): boolean {
  const { width, height, samples, palette } = png;
  const rowBytes = width * samples;
  const filtered = inflate(png, height * (rowBytes + 1));
  if (filtered === undefined || !filtersExist(filtered, rowBytes)) return false;
  if (samples === channels && palette === undefined) {
    unfilter(filtered, rowBytes, samples, target);
    return true;
  }
  const rows = new Uint8Array(height * rowBytes);
  unfilter(filtered, rowBytes, samples, rows);
  if (palette !== undefined) return placeColours(rows, palette, target);
  placePixels(rows, samples, target, channels);
  return true;
}

/** @returns undefined where it does not come to that many bytes */
function inflate({ parts }: PngFile, length: number): Uint8Array | undefined {
  const stream = parts.length === 1 ? parts[0] : Buffer.concat(parts);
  try {
    // The whole output in one buffer; one byte more than expected already is too long.
    const room = Math.max(LEAST, length + 1);
    const { buffer, byteOffset, byteLength } = inflateSync(stream, {
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
