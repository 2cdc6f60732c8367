/** Which decoder serves a file. */
import type { ImageShape } from '../../protocol/batch.js';
import { type Decode, type Resize, ShapeMismatch } from './decode.js';
import { checkPixels, defaultLimits } from './image-limits.js';
import { decodeNative, nativeImages, nativePixels } from './native-decoder.js';
import { placeable } from './place-pixels.js';
import { decodePng } from './png-decoder.js';
import { type PngFile, parsePng } from './png-file.js';
import { resizePixels, sharpDecoder } from './sharp-decoder.js';

export type DecoderName = 'plain PNG' | '@napi-rs/image' | 'sharp';

/**
 * Bytes of pixels from which on the native decoder is faster: as fast at 784 (11 us), 16 us against 25 at 3,072, and
 * 0.7 ms against 1.4 at 196,608.
 */
const LARGE = 3072;

/**
 * A decoder of images that become `shape`: plain PNGs by the fastest that gives exactly sharp's pixels, everything
 * else, and whatever one of these doubts, by sharp. sharp also resizes, whoever has decoded. Loads nothing until the
 * first image needs it.
 *
 * @param maxPixels of an image as its header has it: a larger one is refused before it is unpacked
 */
export function openDecoder(shape: ImageShape, resize?: Resize, maxPixels = defaultLimits.maxPixels): Decode {
  const channels = shape[2];
  const fallback = sharpDecoder(shape, resize, maxPixels);
  return (file, target) => {
    const png = parsePng(file);
    if (png === undefined) return fallback(file, target);
    if (!fits(png, shape)) {
      const { width, height } = png;
      checkPixels(width, height, maxPixels);
      if (resize === undefined && (height !== shape[0] || width !== shape[1]))
        throw new ShapeMismatch([height, width, channels], shape);
      const decoded = resizesPixels(resize) && isLarge(png) ? nativePixels(file, png) : undefined;
      return decoded && resize ? resizePixels(decoded, target, shape, resize) : fallback(file, target);
    }
    const pending = isLarge(png) && decodeNative(file, png, target, channels);
    if (pending !== false) return pending;
    return decodePng(png, target, channels) ? undefined : fallback(file, target);
  };
}

/** The decoder that `openDecoder(shape, resize)` tries first with a file. */
export function decoderOf(file: Uint8Array, shape: ImageShape, resize?: Resize): DecoderName {
  const png = parsePng(file);
  if (png === undefined) return 'sharp';
  const native = isLarge(png) && nativeImages() !== undefined;
  if (!fits(png, shape)) return native && resizesPixels(resize) ? '@napi-rs/image' : 'sharp';
  return native ? '@napi-rs/image' : 'plain PNG';
}

/** Whether it needs neither resizing nor arithmetic to become `shape`. */
function fits(png: PngFile, [height, width, channels]: ImageShape): boolean {
  return png.height === height && png.width === width && placeable(samplesOf(png), channels);
}

/** Whether pixels are resized to what their file would be. By `nearest`, sharp takes others of a file. */
function resizesPixels(resize: Resize | undefined): boolean {
  return resize !== undefined && resize.kernel !== 'nearest';
}

function isLarge(png: PngFile): boolean {
  return png.height * png.width * samplesOf(png) >= LARGE;
}

const samplesOf = ({ palette, samples }: PngFile): number => (palette === undefined ? samples : 3);
