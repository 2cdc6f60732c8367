import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { ImageShape } from '../protocol/batch.js';
import { tf } from './tf.js';

/** The tensor [count, height, width, channels] of pixels that are already float32. */
export function tensorOfPixels(pixels: Float32Array, count: number, shape: ImageShape): Tensor4D {
  return tf.tensor4d(pixels, [count, ...shape], 'float32');
}
