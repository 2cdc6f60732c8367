/** Builders of transform specs: plain data, for callers that do not load TensorFlow.js. */
import type { TransformSpec } from '../protocol/batch.js';

export interface NormalizeOptions {
  /** Per channel, or one for all, on the scale 0 … 1. */
  readonly mean: number | readonly number[];
  /** As `mean`; above 0. */
  readonly std: number | readonly number[];
}

export interface RandomCropOptions {
  /** Pixels added on each side before a window of the original size is cut out. At least 1. */
  readonly padding: number;
  /** Value of the added pixels, on the scale that the images are on by then. `zero` (default) is 0. */
  readonly pad?: 'zero' | number;
  /** Each image has a window of its own. Default false: one for the batch. */
  readonly perItem?: boolean;
}

export interface HorizontalFlipOptions {
  /** Probability that a batch, or an image, is mirrored. Default 0.5. */
  readonly p?: number;
  /** Each image has a draw of its own. Default false: one for the batch. */
  readonly perItem?: boolean;
}

export interface PatchOptions {
  /** Side of a patch as a share of the image's side, rounded down to pixels; between 0 and 1. Default 0.2. */
  readonly pct?: number;
  /** Most patches; how many there are is drawn from 0 … maxNum. Default 4. */
  readonly maxNum?: number;
  /** Each image has patches of its own. Default false: the same for the whole batch. */
  readonly perItem?: boolean;
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

/** Fills patches of the images with noise like the data, never brighter or darker than a pixel can be. */
export const randErase = (options: RandEraseOptions = {}): TransformSpec => spec('randErase', options);

/** Copies patches of an image to other places of the same image. */
export const randCopy = (options: PatchOptions = {}): TransformSpec => spec('randCopy', options);
