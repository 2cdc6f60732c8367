/** @napi-rs/image: where it is installed, it decodes large PNGs twice as fast as zlib and TypeScript. */
import { createRequire } from 'node:module';
import { type DecodedPixels, placeable, placePixels } from './place-pixels.js';
import type { PngFile } from './png-file.js';

type NativeImages = Pick<typeof import('@napi-rs/image'), 'Transformer'>;

let images: NativeImages | 'absent' | undefined;

/** Loads it when first asked. It is optional: absent where it was not installed or does not fit the machine. */
export function nativeImages(): NativeImages | undefined {
  if (images === undefined) {
    try {
      images = createRequire(import.meta.url)('@napi-rs/image') as NativeImages;
    } catch {
      images = 'absent';
    }
  }
  return images === 'absent' ? undefined : images;
}

/** Bytes of pixels after which a turn of the event loop is wanted: finalisers, which free them, run only then. */
const HELD_BYTES = 1 << 20;

let held = 0;
let turn: Promise<void> | undefined;

/**
 * The pixels of a PNG.
 *
 * @param file the file that `png` was parsed from: every CRC of it has been checked, which matters, since this decoder
 * overlooks the checksum of the zlib stream
 * @returns undefined where another decoder has to do it
 */
export function nativePixels(file: Uint8Array, { width, height }: PngFile): DecodedPixels | undefined {
  const native = nativeImages();
  if (native === undefined) return undefined;
  let pixels: Uint8Array;
  try {
    pixels = new native.Transformer(file).rawPixelsSync();
  } catch {
    return undefined;
  }
  held += pixels.length;
  // It makes RGB, or RGBA, of palettes and of pixels declared transparent.
  const samples = ([1, 2, 3, 4] as const).find(count => count * width * height === pixels.length);
  return samples && { pixels, width, height, samples };
}

/**
 * Writes the pixels of a PNG, uint8 HWC, into `target`, which is of the image's own height and width.
 *
 * @param file as of `nativePixels`
 * @returns false, with nothing written, where another decoder has to do it; else what there is to wait for, if anything
 */
export function decodeNative(
  file: Uint8Array,
  png: PngFile,
  target: Uint8Array,
  channels: number,
): false | Promise<void> | undefined {
  const decoded = nativePixels(file, png);
  if (decoded === undefined || !placeable(decoded.samples, channels)) return false;
  placePixels(decoded.pixels, decoded.samples, target, channels);
  return held < HELD_BYTES ? undefined : nextTurn();
}

/** The next turn of the event loop, one for all who wait. */
function nextTurn(): Promise<void> {
  turn ??= new Promise(resolve => {
    setImmediate(() => {
      turn = undefined;
      held = 0;
      resolve();
    });
  });
  return turn;
}
