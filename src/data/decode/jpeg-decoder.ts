/** JPEGs without sharp's pipeline, where libjpeg-turbo was there when we were installed. */
import { imageAddon } from '../image-addon.js';
import type { Resize } from './decode.js';
import type { JpegFile } from './jpeg-file.js';
import { type DecodedPixels, placePixels } from './place-pixels.js';

export const decodesJpegs = (): boolean => imageAddon().decodeJpeg !== undefined;

/**
 * Writes the pixels, uint8 HWC, into `target`, which is of the image's own height and width.
 *
 * @returns false, with nothing written, where another decoder has to do it
 */
export function decodeJpeg(file: Uint8Array, jpeg: JpegFile, target: Uint8Array, channels: number): boolean {
  const { width, height, samples } = jpeg;
  const rows = samples === channels ? target : new Uint8Array(height * width * samples);
  if (imageAddon().decodeJpeg?.(file, 1, width, height, samples, rows) !== true) return false;
  if (rows !== target) placePixels(rows, samples, target, channels);
  return true;
}

/**
 * The pixels that sharp would go on to resize: at a half, a quarter or an eighth of the size where that is still
 * larger than what is wanted, and without the last row and column of those that are no whole ones.
 *
 * @param take memory of at least so many bytes, where the pixels will be
 * @returns undefined where another decoder has to do it
 */
export function shrunkJpeg(
  file: Uint8Array,
  { width, height, samples }: JpegFile,
  wanted: readonly [height: number, width: number],
  fit: Resize['fit'],
  take: (bytes: number) => Uint8Array,
): DecodedPixels | undefined {
  const denominator = denominatorOf(width / wanted[1], height / wanted[0], fit);
  const [shrunkWidth, shrunkHeight] = [Math.ceil(width / denominator), Math.ceil(height / denominator)];
  const pixels = take(shrunkWidth * shrunkHeight * samples);
  const decode = imageAddon().decodeJpeg;
  if (decode?.(file, denominator, shrunkWidth, shrunkHeight, samples, pixels) !== true) return undefined;
  const whole = { width: Math.floor(width / denominator), height: Math.floor(height / denominator) };
  return {
    pixels: cropped(pixels, shrunkWidth * samples, whole.width * samples, whole.height),
    ...whole,
    samples,
  };
}

/**
 * sharp 0.35 leaves more than a factor of one to the resizing itself, which evens out how libjpeg rounds.
 *
 * @param across how many times narrower the image becomes
 * @param down how many times lower
 */
function denominatorOf(across: number, down: number, fit: Resize['fit']): 1 | 2 | 4 | 8 {
  const whole = Math.floor(fit === 'contain' ? Math.max(across, down) : Math.min(across, down));
  return whole > 8 ? 8 : whole > 4 ? 4 : whole > 2 ? 2 : 1;
}

/** Moves the rows together, in place. */
function cropped(pixels: Uint8Array, rowBytes: number, keptBytes: number, rows: number): Uint8Array {
  if (keptBytes < rowBytes)
    for (let row = 1; row < rows; row++)
      pixels.copyWithin(row * keptBytes, row * rowBytes, row * rowBytes + keptBytes);
  return pixels.subarray(0, rows * keptBytes);
}
