/** Builders of transform specs: plain data, for callers that do not load TensorFlow.js. */
import type { TransformSpec } from '../protocol/batch.js';

export interface NormalizeOptions {
  /** Per channel, or one for all, on the scale 0 … 1. */
  readonly mean: number | readonly number[];
  /** As `mean`; above 0. */
  readonly std: number | readonly number[];
}

/** Whose draw it is. By default there is one for the global batch, the same on all replicas. */
export interface DrawOptions {
  /** Each image has a draw of its own. Default false. */
  readonly perItem?: boolean;
  /** Each replica has a draw of its own for its part of the batch. Not beside `perItem`. Default false. */
  readonly perReplica?: boolean;
}

export interface RandomCropOptions extends DrawOptions {
  /** Pixels added on each side before a window of the original size is cut out. At least 1. */
  readonly padding: number;
  /** Value of the added pixels, on the scale that the images are on by then. `zero` (default) is 0. */
  readonly pad?: 'zero' | number;
}

export interface HorizontalFlipOptions extends DrawOptions {
  /** Probability that a batch, or an image, is mirrored. Default 0.5. */
  readonly p?: number;
}

export interface LightingOptions extends DrawOptions {
  /** The factor is drawn from 1 − max … 1 + max. Above 0, at most 1. Default 0.2. */
  readonly max?: number;
  /** Probability that a batch, or an image, is changed at all. Default 0.75. */
  readonly p?: number;
}

interface WarpOptions extends DrawOptions {
  /** Probability that a batch, or an image, is changed at all. Default 0.75. */
  readonly p?: number;
  /**
   * What is seen outside of the image: its own pixels mirrored at the edge (`reflection`, default), its outermost
   * pixels (`border`), 0 (`zero`), or a number on the scale that the images are on by then.
   */
  readonly pad?: 'zero' | 'reflection' | 'border' | number;
}

export interface RotateOptions extends WarpOptions {
  /** The angle is drawn from −maxDegrees … maxDegrees. 0 … 180. Default 10. */
  readonly maxDegrees?: number;
}

export interface ZoomOptions extends WarpOptions {
  /** The magnification is drawn from min … max; below 1 the images shrink. Above 0. Default 1. */
  readonly min?: number;
  /** At least `min`. Default 1.1. */
  readonly max?: number;
}

export interface AffineOptions extends WarpOptions {
  /** As in `rotate`. */
  readonly maxDegrees?: number;
  /** As `min` in `zoom`. */
  readonly minZoom?: number;
  /** As `max` in `zoom`. */
  readonly maxZoom?: number;
}

export interface PatchOptions extends DrawOptions {
  /** Side of a patch as a share of the image's side, rounded down to pixels; between 0 and 1. Default 0.2. */
  readonly pct?: number;
  /** Most patches; how many there are is drawn from 0 … maxNum. Default 4. */
  readonly maxNum?: number;
}

export interface RandEraseOptions extends PatchOptions {
  /** Of the noise, per channel or one for all, on the scale 0 … 1. Default: those of the batch's `normalize`. */
  readonly mean?: number | readonly number[];
  /** As `mean`; above 0. */
  readonly std?: number | readonly number[];
}

const spec = (name: string, options: object): TransformSpec => ({ name, options: { ...options } });

/** Scales pixels from 0 … 255 to 0 … 1, then (x − mean) / std. */
export const normalize = (options: NormalizeOptions): TransformSpec => spec('normalize', options);

/** Pads and cuts out a window of the original size, the same for the whole batch or one per image. */
export const randomCrop = (options: RandomCropOptions): TransformSpec => spec('randomCrop', options);

/** Mirrors the whole batch, or each image, left to right or not. */
export const horizontalFlip = (options: HorizontalFlipOptions = {}): TransformSpec =>
  spec('horizontalFlip', options);

/** Multiplies the pixels by a random factor, cut off at white. */
export const brightness = (options: LightingOptions = {}): TransformSpec => spec('brightness', options);

/** Moves the pixels away from the mean grey of their image, or towards it, by a random factor. */
export const contrast = (options: LightingOptions = {}): TransformSpec => spec('contrast', options);

/** Turns the images about their centres by a random angle. */
export const rotate = (options: RotateOptions = {}): TransformSpec => spec('rotate', options);

/** Magnifies a window anywhere in the images by a random factor. */
export const zoom = (options: ZoomOptions = {}): TransformSpec => spec('zoom', options);

/** `rotate`, then `zoom`, with one interpolation. */
export const affine = (options: AffineOptions = {}): TransformSpec => spec('affine', options);

/** Fills patches of the images with noise like the data, never brighter or darker than a pixel can be. */
export const randErase = (options: RandEraseOptions = {}): TransformSpec => spec('randErase', options);

/** Copies patches of an image to other places of the same image. */
export const randCopy = (options: PatchOptions = {}): TransformSpec => spec('randCopy', options);
