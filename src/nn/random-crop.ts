import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Tf } from '../engine/tf.js';
import { RecipeError } from '../errors.js';
import type { Random } from '../random.js';
import type { RandomCropOptions } from './transform-specs.js';

/** Zeros around the images, then one window of the original size for all of them. */
export function cropImages(tf: Tf, x: Tensor4D, { padding }: RandomCropOptions, random: Random): Tensor4D {
  const [, height, width] = x.shape;
  if (!Number.isInteger(padding) || padding < 1 || padding >= Math.min(height, width)) {
    throw new RecipeError(`The transform randomCrop cannot use padding ${padding}.`, {
      where: `images of ${height}×${width}`,
      hint: 'Give a whole number of pixels, at least 1 and less than the image.',
    });
  }
  const top = random.below(2 * padding + 1);
  const left = random.below(2 * padding + 1);
  // Only the part of the padded image that the window shows is ever made.
  const kept = (start: number, size: number) => {
    const first = Math.max(0, start - padding);
    const last = Math.min(size, start - padding + size);
    const before = Math.max(0, padding - start);
    return {
      first,
      count: last - first,
      around: [before, size - before - (last - first)] as [number, number],
    };
  };
  const rows = kept(top, height);
  const columns = kept(left, width);
  const part = tf.slice4d(x, [0, rows.first, columns.first, 0], [-1, rows.count, columns.count, -1]);
  return tf.pad4d(part, [[0, 0], rows.around, columns.around, [0, 0]]);
}
