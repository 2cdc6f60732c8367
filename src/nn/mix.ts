/**
 * MixUp (Zhang et al., 2018) and CutMix (Yun et al., 2019): each image of a batch is mixed with another one of it,
 * and so are the losses for their labels. What is drawn depends on seed, epoch and batch only; the partners come from
 * the whole global batch, wherever its images are.
 */
import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Tf } from '../engine/tf.js';
import type { MixSpec } from '../protocol/batch.js';
import { Purpose, Random } from '../random.js';
import { betaDraw } from './beta.js';
import type { Patch } from './pixel-map.js';

export interface MixDraw {
  /** Place in the global batch of each image's partner: a permutation, in which some may keep their place. */
  readonly partners: Uint32Array;
  /** Part that the image itself has in the result, 0 … 1; the partner has the rest. */
  readonly share: number;
  /** Where CutMix shows the partner. */
  readonly box?: Patch;
}

export interface MixKey {
  readonly seed: number;
  readonly epoch: number;
  readonly index: number;
}

/**
 * @param size images of the global batch
 * @param imageShape [height, width, …]
 * @throws RecipeError when alpha is not above 0
 */
export function drawMix(
  { kind, alpha }: MixSpec,
  key: MixKey,
  size: number,
  [height, width]: readonly number[],
): MixDraw {
  const random = new Random({ ...key, purpose: Purpose.mix });
  const partners = random.shuffle(Uint32Array.from({ length: size }, (_, place) => place));
  const drawn = betaDraw(alpha, random);
  // As fastai: shares of λ and 1 − λ give the same pairs in another order.
  if (kind === 'mixup') return { partners, share: Math.max(drawn, 1 - drawn) };
  const box = drawBox(1 - drawn, height, width, random);
  return { partners, box, share: 1 - (box.height * box.width) / (height * width) };
}

/** A box of a share of the image's area and of its proportions, centred anywhere, cut off at the border. */
function drawBox(area: number, height: number, width: number, random: Random): Patch {
  const side = Math.sqrt(area);
  const span = (length: number): [number, number] => {
    const centre = random.float() * length;
    const half = (side * length) / 2;
    const clamp = (edge: number) => Math.min(length, Math.max(0, Math.round(edge)));
    return [clamp(centre - half), clamp(centre + half)];
  };
  const [[top, bottom], [left, right]] = [span(height), span(width)];
  return { top, left, height: bottom - top, width: right - left };
}

/**
 * The images mixed with their partners, image by image.
 *
 * @param images float32 [count, height, width, channels], transformed
 * @param partners of the same shape
 */
export function mixImages(tf: Tf, images: Tensor4D, partners: Tensor4D, { share, box }: MixDraw): Tensor4D {
  return tf.tidy(() => {
    if (!box) return tf.add(tf.mul(images, share), tf.mul(partners, 1 - share));
    const [, height, width] = images.shape;
    const { top, left } = box;
    const inside = tf.pad4d(tf.ones([1, box.height, box.width, 1]), [
      [0, 0],
      [top, height - top - box.height],
      [left, width - left - box.width],
      [0, 0],
    ]);
    return tf.add(tf.mul(images, tf.sub(1, inside)), tf.mul(partners, inside));
  });
}
