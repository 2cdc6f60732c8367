/** Which decoder serves a file. */
import type { ImageShape } from '../../protocol/batch.js';
import { type Decode, type Resize, ShapeMismatch } from './decode.js';
import { checkPixels, defaultLimits } from './image-limits.js';
import { decodeJpeg, decodesJpegs, reduceJpeg, shrunkJpeg } from './jpeg-decoder.js';
import { type JpegFile, parseJpeg } from './jpeg-file.js';
import { decodeNative, nativeImages, nativePixels } from './native-decoder.js';
import { type DecodedPixels, placeable } from './place-pixels.js';
import { decodePng, reducePng, unpackCompiled, unpacksCompiled } from './png-decoder.js';
import { type PngFile, parsePng } from './png-file.js';
import { type Pixels, resizer, resizesPixels } from './resizer.js';
import { sharpDecoder } from './sharp-decoder.js';

export type DecoderName = 'plain PNG' | 'libdeflate' | '@napi-rs/image' | 'libjpeg-turbo' | 'sharp';

/**
 * Bytes of pixels from which on @napi-rs/image is faster than TypeScript: as fast at 784 (11 us), 16 us against 25 at
 * 3,072, and 0.7 ms against 1.4 at 196,608.
 */
const LARGE = 3072;

/**
 * A decoder of images that become `shape`: plain PNGs and JPEGs by the fastest that gives exactly sharp's pixels,
 * everything else, and whatever one of these doubts, by sharp. What these do not make smaller themselves, sharp
 * resizes, whoever has decoded. Loads nothing until the first image needs it.
 *
 * @param maxPixels of an image as its header has it: a larger one is refused before it is unpacked
 */
export function openDecoder(shape: ImageShape, resize?: Resize, maxPixels = defaultLimits.maxPixels): Decode {
  const channels = shape[2];
  const fallback = sharpDecoder(shape, resize, maxPixels);
  const resized = resizer(shape, resize);
  const decodePngFile = (file: Uint8Array, png: PngFile, target: Uint8Array): Promise<void> | undefined => {
    if (!fits(png, samplesOf(png), shape)) {
      const { width, height } = png;
      checkPixels(width, height, maxPixels);
      if (resize === undefined && (height !== shape[0] || width !== shape[1]))
        throw new ShapeMismatch([height, width, channels], shape);
      if (resize !== undefined && reducePng(png, shape, resize, target)) return undefined;
      return resized(target, (_, take) => pixelsOf(file, png, take)) ?? fallback(file, target);
    }
    const pending = usesNative(png) && decodeNative(file, png, target, channels);
    if (pending !== false) return pending;
    return decodePng(png, target, channels) ? undefined : fallback(file, target);
  };
  const decodeJpegFile = (
    file: Uint8Array,
    jpeg: JpegFile,
    target: Uint8Array,
  ): Promise<void> | undefined => {
    const { width, height, samples } = jpeg;
    if (fits(jpeg, samples, shape))
      return decodeJpeg(file, jpeg, target, channels) ? undefined : fallback(file, target);
    if (width * height > maxPixels) return fallback(file, target);
    if (resize !== undefined && reduceJpeg(file, jpeg, shape, resize, target)) return undefined;
    const shrunk: Pixels = ({ fit }, take) => shrunkJpeg(file, jpeg, shape, fit, take);
    return resized(target, shrunk) ?? fallback(file, target);
  };
  return (file, target) => {
    const png = parsePng(file);
    if (png !== undefined) return decodePngFile(file, png, target);
    const jpeg = plainJpeg(file, resize);
    return jpeg === undefined ? fallback(file, target) : decodeJpegFile(file, jpeg, target);
  };
}

/** The decoder that `openDecoder(shape, resize)` tries first with a file. */
export function decoderOf(file: Uint8Array, shape: ImageShape, resize?: Resize): DecoderName {
  const png = parsePng(file);
  if (png === undefined) {
    const jpeg = plainJpeg(file, resize);
    const isOurs = jpeg && (fits(jpeg, jpeg.samples, shape) || resizesPixels(resize));
    return isOurs ? 'libjpeg-turbo' : 'sharp';
  }
  const native = usesNative(png) && nativeImages() !== undefined && '@napi-rs/image';
  if (fits(png, samplesOf(png), shape)) return unpacksCompiled() ? 'libdeflate' : native || 'plain PNG';
  if (!resizesPixels(resize)) return 'sharp';
  return unpacksCompiled() && png.palette === undefined ? 'libdeflate' : native || 'sharp';
}

/** Whether an image needs neither resizing nor arithmetic to become `shape`. */
function fits(
  image: { readonly width: number; readonly height: number },
  samples: number,
  [height, width, channels]: ImageShape,
): boolean {
  return image.height === height && image.width === width && placeable(samples, channels);
}

/** A JPEG that is not sharp's: of a plain kind, and none that is to be turned. */
function plainJpeg(file: Uint8Array, resize: Resize | undefined): JpegFile | undefined {
  const jpeg = decodesJpegs() ? parseJpeg(file) : undefined;
  return jpeg?.hasExif && resize?.autoOrient ? undefined : jpeg;
}

/** The pixels of a PNG that is to be resized. */
function pixelsOf(
  file: Uint8Array,
  png: PngFile,
  take: (bytes: number) => Uint8Array,
): DecodedPixels | undefined {
  if (!unpacksCompiled() || png.palette !== undefined)
    return isLarge(png) ? nativePixels(file, png) : undefined;
  const { width, height, samples } = png;
  const pixels = take(width * height * samples);
  return unpackCompiled(png, pixels) ? { pixels, width, height, samples } : undefined;
}

function usesNative(png: PngFile): boolean {
  return !unpacksCompiled() && isLarge(png);
}

function isLarge(png: PngFile): boolean {
  return png.height * png.width * samplesOf(png) >= LARGE;
}

const samplesOf = ({ palette, samples }: PngFile): number => (palette === undefined ? samples : 3);
