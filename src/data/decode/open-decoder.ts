/** Which decoder serves a file. */
import type { ImageShape } from '../../protocol/batch.js';
import type { Decode, Resize } from './decode.js';
import { decodeNative, nativeImages } from './native-decoder.js';
import { placeable } from './place-pixels.js';
import { decodePng } from './png-decoder.js';
import { type PngFile, parsePng } from './png-file.js';
import { sharpDecoder } from './sharp-decoder.js';

export type DecoderName = 'plain PNG' | '@napi-rs/image' | 'sharp';

/**
 * Bytes of pixels from which on the native decoder is faster: as fast at 784 (11 us), 16 us against 25 at 3,072, and
 * 0.7 ms against 1.4 at 196,608.
 */
const LARGE = 3072;

/**
 * A decoder of images that become `shape`: plain PNGs of that size by the fastest that gives exactly sharp's pixels,
 * everything else, and whatever one of these doubts, by sharp. Loads nothing until the first image needs it.
 */
export function openDecoder(shape: ImageShape, resize?: Resize): Decode {
  const channels = shape[2];
  const large = isLarge(shape);
  const fallback = sharpDecoder(shape, resize);
  return (file, target) => {
    const png = plainPng(file, shape);
    if (png === undefined) return fallback(file, target);
    const pending = large && decodeNative(file, png, target, channels);
    if (pending !== false) return pending;
    return decodePng(png, target, channels) ? undefined : fallback(file, target);
  };
}

/** The decoder that `openDecoder(shape)` tries first with a file. */
export function decoderOf(file: Uint8Array, shape: ImageShape): DecoderName {
  if (plainPng(file, shape) === undefined) return 'sharp';
  return isLarge(shape) && nativeImages() !== undefined ? '@napi-rs/image' : 'plain PNG';
}

/** The parts of a file that needs neither resizing nor arithmetic to become `shape`. */
function plainPng(file: Uint8Array, [height, width, channels]: ImageShape): PngFile | undefined {
  const png = parsePng(file);
  if (png === undefined || png.height !== height || png.width !== width) return undefined;
  return placeable(png.palette === undefined ? png.samples : 3, channels) ? png : undefined;
}

function isLarge([height, width, channels]: ImageShape): boolean {
  return height * width * channels >= LARGE;
}
