/** JPEGs without sharp's pipeline, where libjpeg-turbo was there when we were installed. */
import type { ImageShape } from '../../protocol/batch.js';
import { imageAddon } from '../image-addon.js';
import type { Resize } from './decode.js';
import type { JpegFile } from './jpeg-file.js';
import { type DecodedPixels, placePixels } from './place-pixels.js';
import { reduceInto } from './reduction.js';

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
 * Writes the image, uint8 HWC, as it is resized to `shape`.
 *
 * @returns false, with nothing written, where another decoder has to do it
 */
export function reduceJpeg(
  file: Uint8Array,
  jpeg: JpegFile,
  shape: ImageShape,
  resize: Resize,
  target: Uint8Array,
): boolean {
  const reduce = imageAddon().reduceJpeg;
  if (reduce === undefined) return false;
  const { denominator, width, height, whole } = partOf(jpeg, shape, resize.fit);
  return reduceInto(target, whole, shape, resize, (reduction, pixels) =>
    reduce(file, denominator, width, height, reduction, pixels),
  );
}

/**
 * The pixels that sharp would go on to resize.
 *
 * @param take memory of at least so many bytes, where the pixels will be
 * @returns undefined where another decoder has to do it
 */
export function shrunkJpeg(
  file: Uint8Array,
  jpeg: JpegFile,
  shape: ImageShape,
  fit: Resize['fit'],
  take: (bytes: number) => Uint8Array,
): DecodedPixels | undefined {
  const { denominator, width, height, whole } = partOf(jpeg, shape, fit);
  const { samples } = jpeg;
  const pixels = take(width * height * samples);
  if (imageAddon().decodeJpeg?.(file, denominator, width, height, samples, pixels) !== true) return undefined;
  return { ...whole, pixels: cropped(pixels, width * samples, whole.width * samples, whole.height) };
}

/** What an image is decoded to before it is resized. */
interface JpegPart {
  readonly denominator: 1 | 2 | 4 | 8;
  /** Pixels that libjpeg makes. */
  readonly width: number;
  readonly height: number;
  /** Those of them that sharp goes on with: without the last row and column where they are no whole ones. */
  readonly whole: Pick<JpegFile, 'width' | 'height' | 'samples'>;
}

/** At a half, a quarter or an eighth of the size where that is still larger than what is wanted. */
function partOf({ width, height, samples }: JpegFile, shape: ImageShape, fit: Resize['fit']): JpegPart {
  const denominator = denominatorOf(width / shape[1], height / shape[0], fit);
  return {
    denominator,
    width: Math.ceil(width / denominator),
    height: Math.ceil(height / denominator),
    whole: { width: Math.floor(width / denominator), height: Math.floor(height / denominator), samples },
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
