import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Tf } from '../engine/tf.js';
import { RecipeError } from '../errors.js';
import type { Random } from '../random.js';
import type { HorizontalFlipOptions } from './transform-specs.js';

/** All images mirrored left to right with probability p. The draw is made whatever p is. */
export function flipImages(
  tf: Tf,
  x: Tensor4D,
  { p = 0.5 }: HorizontalFlipOptions,
  random: Random,
): Tensor4D {
  if (!(p >= 0 && p <= 1)) {
    throw new RecipeError(`The transform horizontalFlip cannot use p = ${p}.`, {
      where: 'transforms',
      hint: 'Give a probability from 0 to 1.',
    });
  }
  return random.float() < p ? tf.reverse4d(x, 2) : tf.clone(x);
}
