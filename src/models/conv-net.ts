/**
 * The lessons' plain convolutional networks with batch norm (fast.ai lessons 17 and 18; course22p2 nb11 and nb13):
 * 8 … 64 filters, and 8 … 128 with a first convolution of stride 1.
 */
import type { SymbolicTensor } from '@tensorflow/tfjs-layers';
import { defineRecipe } from '../worker/recipe.js';
import { conv, generalRelu, initWeights } from './layers.js';

export interface ConvNetOptions {
  /** Of each convolution but the last, which has one per class. Default [8, 16, 32, 64]. */
  readonly filters?: readonly number[];
  /** Of the first convolution; all others halve the image. Default 2. */
  readonly firstStride?: 1 | 2;
  /** Batch norm. Default true. */
  readonly norm?: boolean;
}

export default defineRecipe<ConvNetOptions>({
  name: 'conv-net',
  model(tf, { imageShape, classes, options }) {
    const { filters = [8, 16, 32, 64], firstStride = 2, norm = true } = options;
    const common = { norm, init: initWeights(0.1) };
    const input = tf.input({ shape: [...imageShape], name: 'images' });
    let x: SymbolicTensor = input;
    filters.forEach((count, i) => {
      const stride = i === 0 ? firstStride : 2;
      const name = `conv${i + 1}`;
      x = conv(tf, x, { ...common, name, filters: count, stride, act: generalRelu(0.1, 0.4) });
    });
    const last = { name: `conv${filters.length + 1}`, filters: classes.length, act: false };
    x = conv(tf, x, { ...common, ...last, norm: norm && firstStride === 1 });
    // Images of 28×28 are down to one position by now; of larger ones the mean is taken.
    const logits = tf.layers.globalAveragePooling2d({ name: 'pool' }).apply(x) as SymbolicTensor;
    return tf.model({ inputs: input, outputs: logits, name: 'conv-net' });
  },
});
