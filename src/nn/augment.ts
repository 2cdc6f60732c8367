/**
 * Transforms of a batch on the device. Each batch has one stream of draws, keyed by seed, epoch and batch, from
 * which its transforms draw in order: every replica draws the same, and a resumed run draws what it would have.
 */
import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Tf } from '../engine/tf.js';
import { RecipeError } from '../errors.js';
import type { TransformSpec } from '../protocol/batch.js';
import { Purpose, Random } from '../random.js';
import { flipImages } from './horizontal-flip.js';
import { normalizeImages } from './normalize.js';
import { cropImages } from './random-crop.js';
import type { HorizontalFlipOptions, NormalizeOptions, RandomCropOptions } from './transform-specs.js';

/** Which batch it is: epoch and index as in `Batch`. */
export interface AugmentationKey {
  readonly seed: number;
  readonly epoch: number;
  readonly index: number;
}

/**
 * A transform of one's own: images [count, height, width, channels], float32, 0 … 255 before `normalize`. It may
 * return its argument; intermediate tensors are freed.
 */
export type Transform = (
  tf: Tf,
  images: Tensor4D,
  options: Readonly<Record<string, unknown>>,
  random: Random,
) => Tensor4D;

const builtIn: Readonly<Record<string, Transform>> = {
  normalize: (tf, x, options) => normalizeImages(tf, x, options as unknown as NormalizeOptions),
  randomCrop: (tf, x, options, random) => cropImages(tf, x, options as unknown as RandomCropOptions, random),
  horizontalFlip: (tf, x, options, random) =>
    flipImages(tf, x, options as unknown as HorizontalFlipOptions, random),
};

/**
 * Applies the transforms in order. `x` stays the caller's; so does the result, which is always another tensor.
 *
 * @param custom the recipe's own transforms, by name; they take precedence
 * @throws RecipeError for an unknown name or unusable options
 */
export function applyTransforms(
  tf: Tf,
  x: Tensor4D,
  specs: readonly TransformSpec[],
  key: AugmentationKey,
  custom: Readonly<Record<string, Transform>> = {},
): Tensor4D {
  const known: Readonly<Record<string, Transform>> = { ...builtIn, ...custom };
  const random = new Random({ ...key, purpose: Purpose.augmentation });
  return tf.tidy(() => {
    let images = x;
    for (const { name, options = {} } of specs) {
      if (!Object.hasOwn(known, name)) {
        throw new RecipeError(`There is no transform "${name}".`, {
          where: 'transforms',
          hint: `Known transforms: ${Object.keys(known).join(', ')}. Others come from the recipe's transforms.`,
        });
      }
      const count = images.shape[0];
      images = known[name](tf, images, options, random);
      if (!(images instanceof tf.Tensor) || images.rank !== 4 || images.shape[0] !== count) {
        const got = images instanceof tf.Tensor ? `shape [${images.shape}]` : typeof images;
        throw new RecipeError(
          `the transform "${name}" returned ${got}, not [${count}, height, width, channels]`,
          {
            where: 'transforms',
            hint: 'return one image for each that came in',
          },
        );
      }
    }
    return images === x ? tf.clone(x) : images;
  });
}
