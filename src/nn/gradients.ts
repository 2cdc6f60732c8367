/**
 * Gradients in place of stock ones. They serve first-order training: their kernels have no gradients of their own.
 *
 * Relu: from its output, as one kernel, so that its input need not be kept. Mean and Sum: the stock ones build an
 * array of ones in JavaScript, as large as the activation, at each step.
 */
import type { GradConfig, Tensor } from '@tensorflow/tfjs-core';
import { FusedKernel } from '../engine/fused-kernels.js';
import { hasKernel, setGradient } from '../engine/kernel-registration.js';
import { tf } from '../engine/tf.js';
import { runKernel } from './run-kernel.js';

/** dy where `sign` > 0, slope × dy elsewhere. */
function reluGradient(dy: Tensor, sign: Tensor, slope: number): Tensor {
  if (hasKernel(FusedKernel.reluGrad)) {
    return runKernel<Tensor>(FusedKernel.reluGrad, { dy, y: sign }, { slope });
  }
  return tf.mul(dy, tf.step(sign, slope));
}

/** dy, of the reduced shape, repeated over the reduced axes of `shape`, and divided by `divisor`. */
function repeated(dy: Tensor, shape: number[], axes: number[], divisor: number): Tensor {
  const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const share = tf.div(tf.reshape(dy, kept), divisor);
  return tf.mul(tf.fill(shape, 1), share);
}

const gradients: readonly GradConfig[] = [
  {
    kernelName: 'Relu',
    outputsToSave: [true],
    gradFunc: (dy, [y]) => ({ x: () => reluGradient(dy as Tensor, y, 0) }),
  },
  {
    kernelName: 'LeakyRelu',
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attrs) => ({ x: () => reluGradient(dy as Tensor, x, attrs.alpha as number) }),
  },
  {
    kernelName: 'Mean',
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attrs) => {
      const axes = tf.util.parseAxisParam(attrs.axis as number[], x.shape);
      const count = axes.reduce((product, axis) => product * x.shape[axis], 1);
      return { x: () => repeated(dy as Tensor, x.shape, axes, count) };
    },
  },
  {
    kernelName: 'Sum',
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attrs) => {
      const axes = tf.util.parseAxisParam(attrs.axis as number[], x.shape);
      return { x: () => repeated(dy as Tensor, x.shape, axes, 1) };
    },
  },
];

export function installGradients(): void {
  for (const gradient of gradients) setGradient(gradient);
}
