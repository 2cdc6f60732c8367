/**
 * The lessons' autoencoder (fast.ai lesson 15): convolutions down to an eighth of the side, the way back by repeated
 * pixels and convolutions, no skip. Its loss is its own: mean squared error between the output, 0 … 1, and the input
 * images on the same scale, whatever they were normalised by. Labels are not used.
 */
import type { SymbolicTensor } from '@tensorflow/tfjs-layers';
import { defineRecipe } from '../worker/recipe.js';
import { conv, deconv, unitPixels, type WeightInit } from './layers.js';

export interface AutoencoderOptions {
  /** Of each convolution that halves the image. Default [2, 4, 8]: 28×28 images become 4×4×8 numbers. */
  readonly filters?: readonly number[];
  /** Where weights start. Default `pytorch`. */
  readonly init?: WeightInit;
}

/** Pixels to add before and after, so that `size` can be halved `times` times. */
function padding(size: number, times: number): [number, number] {
  const missing = Math.ceil(size / 2 ** times) * 2 ** times - size;
  return [Math.floor(missing / 2), Math.ceil(missing / 2)];
}

export default defineRecipe<AutoencoderOptions>({
  name: 'autoencoder',
  model(tf, { imageShape: [height, width, channels], options }) {
    const { filters = [2, 4, 8], init } = options;
    const around: [[number, number], [number, number]] = [
      padding(height, filters.length),
      padding(width, filters.length),
    ];
    const input = tf.input({ shape: [height, width, channels], name: 'images' });
    const pad = tf.layers.zeroPadding2d({ padding: around, name: 'pad' });
    let x = pad.apply(input) as SymbolicTensor;
    filters.forEach((count, i) => {
      x = conv(tf, x, { name: `down${i + 1}`, filters: count, init });
    });
    [channels, ...filters.slice(0, -1)].reverse().forEach((count, i, { length }) => {
      x = deconv(tf, x, { name: `up${i + 1}`, filters: count, act: i < length - 1, init });
    });
    // PyTorch's padding by −2.
    const crop = tf.layers.cropping2D({ cropping: around, name: 'crop' });
    const sigmoid = tf.layers.activation({ activation: 'sigmoid', name: 'sigmoid' });
    const outputs = sigmoid.apply(crop.apply(x)) as SymbolicTensor;
    return tf.model({ inputs: input, outputs, name: 'autoencoder' });
  },
  loss(tf, predictions, _targets, inputs, scale) {
    return tf.mean(tf.square(tf.sub(predictions, unitPixels(tf, inputs, scale))));
  },
});
