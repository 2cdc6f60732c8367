/** Making images smaller while they are decoded, by our own addon: exactly as sharp would, without its pipeline. */
import type { ImageShape } from '../../protocol/batch.js';
import type { Reduction } from '../image-addon.js';
import type { Resize } from './decode.js';
import { placeable, placePixels } from './place-pixels.js';

const kernels: readonly Resize['kernel'][] = ['linear', 'cubic', 'lanczos3'];

interface Size {
  readonly width: number;
  readonly height: number;
  /** Bytes of a pixel. */
  readonly samples: number;
}

/**
 * Writes an image, uint8 HWC, as it is resized to `shape`.
 *
 * @param reduce decodes it and makes it smaller; false, with nothing written, where another decoder has to
 * @returns as `reduce`
 */
export function reduceInto(
  target: Uint8Array,
  image: Size,
  shape: ImageShape,
  resize: Resize,
  reduce: (reduction: Reduction, pixels: Uint8Array) => boolean,
): boolean {
  const [height, width, channels] = shape;
  const reduction = placeable(image.samples, channels) ? reductionOf(image, shape, resize) : undefined;
  if (reduction === undefined) return false;
  if (image.samples === channels) return reduce(reduction, target);
  const pixels = new Uint8Array(height * width * image.samples);
  if (!reduce(reduction, pixels)) return false;
  placePixels(pixels, image.samples, target, channels);
  return true;
}

/**
 * How an image becomes `target` without becoming larger in either direction.
 *
 * @returns undefined where it is sharp's: it is enlarged, or it has alpha, which is not resized by itself
 */
export function reductionOf(
  { width, height, samples }: Size,
  [targetHeight, targetWidth]: ImageShape,
  { fit, kernel }: Resize,
): Reduction | undefined {
  if (samples !== 1 && samples !== 3) return undefined;
  if (!kernels.includes(kernel)) return undefined;
  const [across, down] = factorsOf(width / targetWidth, height / targetHeight, fit);
  if (across < 1 || down < 1) return undefined;
  const [narrow, low] = [reduced(width, across), reduced(height, down)];
  const place = placeOf(narrow - targetWidth, low - targetHeight, fit);
  return (
    place && {
      ...{ kernel: kernels.indexOf(kernel), width, height, samples, targetWidth, targetHeight },
      // libvips is told the inverse, and inverts it again.
      ...{ across: inverted(across, width), down: inverted(down, height) },
      ...place,
    }
  );
}

function factorsOf(across: number, down: number, fit: Resize['fit']): readonly [number, number] {
  if (fit === 'fill') return [across, down];
  const both = fit === 'cover' ? Math.min(across, down) : Math.max(across, down);
  return [both, both];
}

/** No side becomes less than a pixel. */
const inverted = (factor: number, side: number): number => 1 / Math.max(1 / factor, 1 / side);

const reduced = (side: number, factor: number): number => Math.floor(side / inverted(factor, side) + 0.5);

/**
 * @param wider by how many pixels what comes out is wider than the target; below zero: narrower
 * @returns undefined where rounding leaves what is no such fit
 */
function placeOf(
  wider: number,
  higher: number,
  fit: Resize['fit'],
): { readonly left: number; readonly top: number } | undefined {
  if (fit === 'fill') return wider === 0 && higher === 0 ? { left: 0, top: 0 } : undefined;
  if (fit === 'cover')
    return wider >= 0 && higher >= 0 ? { left: (wider + 1) >> 1, top: (higher + 1) >> 1 } : undefined;
  return wider <= 0 && higher <= 0 ? { left: -(-wider >> 1), top: -(-higher >> 1) } : undefined;
}
