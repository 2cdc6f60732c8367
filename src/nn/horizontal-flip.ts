import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Tf } from '../engine/tf.js';
import { RecipeError } from '../errors.js';
import type { Random } from '../random.js';
import type { TransformBatch } from './augment.js';
import { PixelMap } from './pixel-map.js';
import type { HorizontalFlipOptions } from './transform-specs.js';

/** All images, or each by a draw of its own, mirrored left to right with probability p. Drawn whatever p is. */
export function flipImages(
  tf: Tf,
  x: Tensor4D,
  { p = 0.5, perItem = false }: HorizontalFlipOptions,
  random: Random,
  batch: TransformBatch,
): Tensor4D {
  if (!(p >= 0 && p <= 1)) {
    throw new RecipeError(`The transform horizontalFlip cannot use p = ${p}.`, {
      where: 'transforms',
      hint: 'Give a probability from 0 to 1.',
    });
  }
  if (!perItem) return random.float() < p ? tf.reverse4d(x, 2) : tf.clone(x);
  const map = new PixelMap(x.shape, true);
  const width = x.shape[2];
  for (let i = 0; i < map.maps; i++) {
    if (batch.itemRandom(i).float() >= p) continue;
    const sources = map.sourcesOf(i);
    for (let at = 0; at < sources.length; at += width) sources.subarray(at, at + width).reverse();
  }
  return map.apply(tf, x);
}
