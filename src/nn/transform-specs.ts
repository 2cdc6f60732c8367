/** Builders of transform specs: plain data, for callers that do not load TensorFlow.js. */
import type { TransformSpec } from '../protocol/batch.js';

export interface NormalizeOptions {
  /** Per channel, or one for all, on the scale 0 … 1. */
  readonly mean: number | readonly number[];
  /** As `mean`; above 0. */
  readonly std: number | readonly number[];
}

export interface RandomCropOptions {
  /** Zeros added on each side before a window of the original size is cut out, in pixels. At least 1. */
  readonly padding: number;
}

export interface HorizontalFlipOptions {
  /** Probability that a batch is mirrored. Default 0.5. */
  readonly p?: number;
}

const spec = (name: string, options: object): TransformSpec => ({ name, options: { ...options } });

/** Scales pixels from 0 … 255 to 0 … 1, then (x − mean) / std. */
export const normalize = (options: NormalizeOptions): TransformSpec => spec('normalize', options);

/** Pads with zeros and cuts out a window of the original size, the same for the whole batch. */
export const randomCrop = (options: RandomCropOptions): TransformSpec => spec('randomCrop', options);

/** Mirrors the whole batch left to right, or not. */
export const horizontalFlip = (options: HorizontalFlipOptions = {}): TransformSpec =>
  spec('horizontalFlip', options);
