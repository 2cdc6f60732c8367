/**
 * Brightness and contrast as torchvision's ColorJitter defines them (torchvision.transforms.functional,
 * `adjust_brightness` and `adjust_contrast`), on whatever scale the pixels are. With black and white of a channel at b
 * and w, and a factor f:
 *
 *     brightness: f·(x − b) + b                   contrast: f·x + (1 − f)·m, both cut off at b and w
 *
 * where m is the mean grey of the image, on the channel's scale; grey is 0.2989 R + 0.587 G + 0.114 B of three
 * channels, and the mean of any other number.
 */
import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Tf } from '../engine/tf.js';
import { RecipeError } from '../errors.js';
import type { Random } from '../random.js';
import type { TransformBatch } from './augment.js';
import { type ImageScale, pixelValue } from './image-scale.js';
import type { LightingOptions } from './transform-specs.js';

/** Of ITU-R BT.601, to the digits that torchvision takes. */
const greyOfRgb = [0.2989, 0.587, 0.114];

/** All images brighter or darker, or each by a factor of its own. */
export function changeBrightness(
  tf: Tf,
  x: Tensor4D,
  options: LightingOptions,
  random: Random,
  batch: TransformBatch,
): Tensor4D {
  const factors = drawFactors('brightness', x.shape[0], options, random, batch);
  if (!factors) return tf.clone(x);
  const { black, isRaw } = rangeOf(batch.scale, x.shape[3]);
  const scaled = tf.mul(x, column(tf, factors)) as Tensor4D;
  // Black is 0 before `normalize`: nothing to add.
  const changed = isRaw
    ? scaled
    : tf.add(scaled, rest(tf, factors, tf.tensor4d(black, [1, 1, 1, black.length])));
  return within(tf, changed as Tensor4D, batch.scale);
}

/** All images with more or less contrast, or each by a factor of its own. */
export function changeContrast(
  tf: Tf,
  x: Tensor4D,
  options: LightingOptions,
  random: Random,
  batch: TransformBatch,
): Tensor4D {
  const factors = drawFactors('contrast', x.shape[0], options, random, batch);
  if (!factors) return tf.clone(x);
  const changed = tf.add(tf.mul(x, column(tf, factors)), rest(tf, factors, meanGrey(tf, x, batch.scale)));
  return within(tf, changed as Tensor4D, batch.scale);
}

/** One factor, or one for each image: 1 where it is not changed. Undefined where none is. Two draws each. */
function drawFactors(
  name: string,
  count: number,
  { max = 0.2, p = 0.75, perItem = false }: LightingOptions,
  random: Random,
  batch: TransformBatch,
): number[] | undefined {
  if (!(max > 0 && max <= 1 && p >= 0 && p <= 1)) {
    throw new RecipeError(`The transform ${name} cannot use max ${max} and p ${p}.`, {
      where: 'transforms',
      hint: 'Give max above 0 and at most 1, and p as a probability from 0 to 1.',
    });
  }
  const draw = (stream: Random): number => {
    const isDrawn = stream.float() < p;
    const factor = 1 + max * (2 * stream.float() - 1);
    return isDrawn ? factor : 1;
  };
  const factors = perItem
    ? Array.from({ length: count }, (_, i) => draw(batch.itemRandom(i)))
    : [draw(random)];
  return factors.some(factor => factor !== 1) ? factors : undefined;
}

const column = (tf: Tf, values: number[]): Tensor4D => tf.tensor4d(values, [values.length, 1, 1, 1]);

/** (1 − f) · value */
const rest = (tf: Tf, factors: number[], value: Tensor4D): Tensor4D =>
  tf.mul(
    column(
      tf,
      factors.map(factor => 1 - factor),
    ),
    value,
  );

function rangeOf(scale: ImageScale, channels: number) {
  const convert = pixelValue(scale, channels);
  const of = (value: number) => Array.from({ length: channels }, (_, channel) => convert(value, channel));
  return { black: of(0), white: of(1), isRaw: !scale.normalizedBy };
}

/** Cut off where pixels end. */
function within(tf: Tf, x: Tensor4D, scale: ImageScale): Tensor4D {
  const { black, white } = rangeOf(scale, x.shape[3]);
  const isOne = (values: number[]) => values.every(value => value === values[0]);
  if (isOne(black) && isOne(white)) return tf.clipByValue(x, black[0], white[0]);
  return tf.minimum(tf.maximum(x, tf.tensor1d(black)), tf.tensor1d(white));
}

/** Mean grey of each image, on the scale of each channel: [count, 1, 1, channels]. */
function meanGrey(tf: Tf, x: Tensor4D, scale: ImageScale): Tensor4D {
  const [count, height, width, channels] = x.shape;
  const means = tf.div(sumOfPixels(tf, x), height * width) as Tensor4D;
  if (channels === 1) return means;
  const weights = channels === 3 ? greyOfRgb : new Array<number>(channels).fill(1 / channels);
  const { black, white } = rangeOf(scale, channels);
  const spans = white.map((value, channel) => value - black[channel]);
  // A grey level of 0 … 1 is black + level · (white − black) on each channel's scale.
  const slopes = weights.map((weight, channel) => weight / spans[channel]);
  let level = tf.zeros([count, 1, 1, 1]) as Tensor4D;
  for (const [channel, slope] of slopes.entries()) {
    const mean = tf.slice4d(means, [0, 0, 0, channel], [-1, -1, -1, 1]);
    level = tf.add(level, tf.mul(tf.sub(mean, black[channel]), slope));
  }
  return tf.add(tf.mul(level, tf.tensor1d(spans)), tf.tensor1d(black));
}

/**
 * Sums over the pixels of each image, [count, 1, 1, channels], by halving. An engine's own sum may add in another order
 * when there are fewer images, and replicas would differ from one in the last bits.
 */
function sumOfPixels(tf: Tf, x: Tensor4D): Tensor4D {
  const [count, height, width, channels] = x.shape;
  let sums = tf.reshape(x, [count, height * width * channels]) as Tensor2D;
  for (let pixels = height * width; pixels > 1; pixels = Math.ceil(pixels / 2)) {
    const half = Math.trunc(pixels / 2) * channels;
    // Rows are long, so each is one copy.
    const part = (from: number, size: number) => tf.slice2d(sums, [0, from], [-1, size]);
    const halves = tf.add(part(0, half), part(half, half)) as Tensor2D;
    sums = pixels % 2 === 0 ? halves : tf.concat2d([halves, part(2 * half, channels)], 1);
  }
  return tf.reshape(sums, [count, 1, 1, channels]);
}
