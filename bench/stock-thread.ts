/**
 * The ResNet trained the way a user of tfjs would, without anything of gradring: the stock cpu backend, layers,
 * loss, gradients and Adam. The model comes from the recipe, which builds it with whatever `tf` it is given.
 */
import '@tensorflow/tfjs-backend-cpu';
import { workerData } from 'node:worker_threads';
import * as core from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import type { CpuBackend } from '../src/engine/cpu/backend.js';
import resnet from '../src/models/resnet.js';
import { serve } from './serve.js';
import { classes, imageShape } from './synthetic-batch.js';

export interface StockTask {
  /** uint8 [size, height, width, channels], shared. */
  readonly pixels: Uint8Array;
  /** int32 class indices [size], shared. */
  readonly labels: Int32Array;
  /** Where this thread's part of them begins. */
  readonly offset: number;
}

const { pixels, labels, offset } = workerData as StockTask;
const tf = { ...core, ...layers };
await tf.setBackend('cpu');
// Its first write would recommend another package on the console.
(tf.backend() as unknown as CpuBackend).firstUse = false;
const model = await resnet.model(tf, { imageShape, classes, seed: 1, options: {} });
const optimizer = tf.train.adam(1e-3);
const imageSize = imageShape.reduce((n, d) => n * d, 1);

/** One training step on the first `count` samples of this thread's part; returns its loss. */
serve<number, number>(async count => {
  const [x, y] = tf.tidy(() => {
    const values = Float32Array.from(pixels.subarray(offset * imageSize, (offset + count) * imageSize));
    const targets = tf.tensor1d(labels.slice(offset, offset + count), 'int32');
    return [tf.tensor4d(values, [count, ...imageShape]), tf.oneHot(targets, classes.length)];
  });
  const loss = optimizer.minimize(() => {
    const logits = model.apply(x, { training: true }) as core.Tensor;
    return tf.losses.softmaxCrossEntropy(y, logits) as core.Scalar;
  }, true) as core.Scalar;
  const [value] = await loss.data();
  tf.dispose([x, y, loss]);
  return value;
});
