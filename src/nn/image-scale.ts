/** What the values of the pixels mean at some place among the transforms. */
import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Tf } from '../engine/tf.js';
import type { TransformSpec } from '../protocol/batch.js';
import type { NormalizeOptions } from './transform-specs.js';

export interface ImageScale {
  /** Of the pixels on the scale 0 … 1, by the batch's `normalize`, wherever it stands; absent without one. */
  readonly mean?: NormalizeOptions['mean'];
  readonly std?: NormalizeOptions['std'];
  /** The `normalize` that the pixels went through; absent while they are 0 … 255. */
  readonly normalizedBy?: NormalizeOptions;
}

/** One finite number per channel, or undefined where that is not what was given. */
export function perChannel(
  value: number | readonly number[] | undefined,
  channels: number,
): number[] | undefined {
  if (value === undefined) return undefined;
  const values = typeof value === 'number' ? new Array<number>(channels).fill(value) : [...value];
  return values.length === channels && values.every(Number.isFinite) ? values : undefined;
}

/** Converts a value on the scale 0 … 1 to the one that the pixels of a channel are on. */
export function pixelValue({ normalizedBy }: ImageScale, channels: number) {
  const mean = perChannel(normalizedBy?.mean, channels);
  const std = perChannel(normalizedBy?.std, channels);
  return (value: number, channel: number): number =>
    mean && std ? (value - mean[channel]) / std[channel] : 255 * value;
}

/** The scale that each of the transforms finds. */
export function scalesOf(specs: readonly TransformSpec[]): ImageScale[] {
  const optionsOf = (spec?: TransformSpec) => spec?.options as NormalizeOptions | undefined;
  const known = optionsOf(specs.find(({ name }) => name === 'normalize'));
  return specs.map((_, place) => {
    const before = specs.slice(0, place).findLast(({ name }) => name === 'normalize');
    return { mean: known?.mean, std: known?.std, normalizedBy: optionsOf(before) };
  });
}

/** The scale that the model finds them on, after all transforms. */
export const finalScale = (specs: readonly TransformSpec[]): ImageScale =>
  scalesOf([...specs, { name: 'model' }])[specs.length];

/** Images on the scale 0 … 1, whatever scale they are on: float32 [count, height, width, channels]. */
export function unitPixels(tf: Tf, images: Tensor4D, { normalizedBy }: ImageScale): Tensor4D {
  if (!normalizedBy) return tf.div(images, 255);
  const { mean, std } = normalizedBy;
  const perPixel = (value: NormalizeOptions['mean']) => (typeof value === 'number' ? value : [...value]);
  return tf.add(tf.mul(images, perPixel(std)), perPixel(mean));
}
