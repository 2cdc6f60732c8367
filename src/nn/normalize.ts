import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Tf } from '../engine/tf.js';
import { RecipeError } from '../errors.js';
import { perChannel } from './image-scale.js';
import type { NormalizeOptions } from './transform-specs.js';

/** x / 255, then (x − mean) / std: two kernels, x · 1/(255·std) − mean/std. */
export function normalizeImages(tf: Tf, x: Tensor4D, options: NormalizeOptions): Tensor4D {
  const channels = x.shape[3];
  const mean = perChannel(options.mean, channels);
  const std = perChannel(options.std, channels);
  if (!mean || !std?.every(value => value > 0)) {
    throw new RecipeError(`The transform normalize cannot use ${JSON.stringify(options)}.`, {
      where: `images of ${channels} channel(s)`,
      hint: 'Give mean and std as one number, or one per channel, on the scale 0 … 1; std above 0.',
    });
  }
  const slopes = std.map(value => 1 / (255 * value));
  const offsets = mean.map((value, channel) => value / std[channel]);
  return tf.sub(tf.mul(x, tf.tensor1d(slopes)), tf.tensor1d(offsets));
}
