/** sharp: reads every format, and is the judge of the faster decoders in the tests. */
import type { Sharp } from 'sharp';
import type { ImageShape } from '../../protocol/batch.js';
import { type Decode, type Resize, ShapeMismatch } from './decode.js';
import { checkPixels, defaultLimits, OverLimit } from './image-limits.js';
import { type DecodedPixels, placePixels } from './place-pixels.js';
import { pngSize } from './png-file.js';

type SharpModule = typeof import('sharp')['default'];

let loaded: Promise<SharpModule> | undefined;
let limited = false;
let inUse = false;

/** Whether this thread has decoded an image with sharp, and so on libuv's threads. */
export const usesSharp = (): boolean => inUse;

/** sharp costs 0.1 s to load: only what really decodes with it pays for it. */
export function loadSharp(): Promise<SharpModule> {
  loaded ??= import('sharp').then(({ default: sharp }) => {
    if (limited) limit(sharp);
    return sharp;
  });
  return loaded;
}

/**
 * Has sharp decode each image by one thread and remember none, since many are decoded at once and none twice. These
 * settings hold for the whole process; they are made when sharp is loaded.
 */
export function limitSharp(): void {
  limited = true;
  // Where it cannot be loaded, whoever needs it hears of it.
  loaded?.then(limit, () => undefined);
}

function limit(sharp: SharpModule): void {
  sharp.concurrency(1);
  sharp.cache(false);
}

/**
 * Decodes everything that sharp reads. Greyscale is the luminance of the image; an alpha channel is dropped; EXIF
 * orientation is applied where `resize` says so. A JPEG that becomes much smaller is decoded at a half, a quarter or
 * an eighth of its size at once.
 *
 * @param maxPixels of an image as its header has it
 */
export function sharpDecoder(
  shape: ImageShape,
  resize?: Resize,
  maxPixels = defaultLimits.maxPixels,
): Decode {
  return async (file, target) => {
    inUse = true;
    const size = pngSize(file);
    if (size !== undefined) checkPixels(size.width, size.height, maxPixels);
    const sharp = await loadSharp();
    // sharp's own `failOn: 'warning'` stays: with 'none' it accepts bit-flipped files.
    const image = sharp(file, { autoOrient: resize?.autoOrient, limitInputPixels: maxPixels });
    const samples = shape[2] === 1 && !isDeepGrey(file) ? 1 : 3;
    try {
      await place(resize === undefined ? image : resized(image, shape, resize), samples, shape, target);
    } catch (error) {
      throw exceedsPixels(error) ? new OverLimit('it has more pixels', 'maxPixels', maxPixels) : error;
    }
  };
}

/** Resizes pixels that another decoder has made of a file: gives what `sharpDecoder` would have given for it. */
export async function resizePixels(
  { pixels, width, height, samples }: DecodedPixels,
  target: Uint8Array,
  shape: ImageShape,
  resize: Resize,
): Promise<void> {
  inUse = true;
  const sharp = await loadSharp();
  const image = sharp(pixels, { raw: { width, height, channels: samples } });
  await place(resized(image, shape, resize), shape[2] === 1 ? 1 : 3, shape, target);
}

/** sharp says so by the text alone. */
function exceedsPixels(error: unknown): boolean {
  return error instanceof Error && error.message.includes('exceeds pixel limit');
}

function resized(image: Sharp, [height, width]: ImageShape, { fit, kernel }: Resize): Sharp {
  return image.resize(width, height, { fit, kernel, background: 'black' });
}

/** Runs the pipeline and writes what comes out of it. @throws ShapeMismatch */
async function place(
  image: Sharp,
  samples: 1 | 3,
  [height, width, channels]: ImageShape,
  target: Uint8Array,
): Promise<void> {
  const { data, info } = await image
    .removeAlpha()
    // Without it sharp gives three channels for a grey PNG.
    .toColourspace(samples === 1 ? 'b-w' : 'srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.height !== height || info.width !== width || info.channels !== samples) {
    throw new ShapeMismatch([info.height, info.width, channels], [height, width, channels]);
  }
  placePixels(data, samples, target, channels);
}

/**
 * A grey PNG of 16 bits. On the way to eight, libvips takes the upper eight for sRGB, but goes through luminance
 * and back for greyscale, which is off by one at places: so sRGB it is, whose three channels are the same.
 */
function isDeepGrey(file: Uint8Array): boolean {
  const [depth, colour] = [file[24], file[25]];
  return file[0] === 0x89 && file[1] === 0x50 && depth === 16 && (colour === 0 || colour === 4);
}
