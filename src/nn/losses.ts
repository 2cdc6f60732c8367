/** Losses with gradients of their own. `mean` divides by the number of samples, `sum` does not. */
import type { Scalar, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { FusedKernel } from '../engine/fused-kernels.js';
import { hasKernel } from '../engine/kernel-registration.js';
import { tf } from '../engine/tf.js';
import { runKernel } from './run-kernel.js';

export type Reduction = 'mean' | 'sum';

const weightOf = (samples: number, reduction: Reduction): number => (reduction === 'mean' ? 1 / samples : 1);

/**
 * Softmax cross-entropy: −log softmax(logits)[label].
 *
 * @param logits float32 [samples, classes]
 * @param labels int32 [samples], class indices from 0
 * @throws RecipeError when a label is not below the number of classes (cpu and wasm engines)
 */
export function crossEntropy(logits: Tensor2D, labels: Tensor1D, reduction: Reduction = 'mean'): Scalar {
  const weight = weightOf(logits.shape[0], reduction);
  const operation = tf.customGrad((input, save) => {
    const scores = input as Tensor2D;
    const keep = save as unknown as (tensors: Tensor[]) => void;
    const [loss, probabilities] = forward(scores, labels, weight);
    keep([probabilities, labels]);
    const gradFunc = (dy: Tensor, saved: Tensor[]) => backward(dy, saved, weight);
    return { value: loss, gradFunc };
  });
  return operation(logits) as Scalar;
}

function forward(logits: Tensor2D, labels: Tensor1D, weight: number): [Tensor, Tensor] {
  if (hasKernel(FusedKernel.crossEntropy)) {
    return runKernel<[Tensor, Tensor]>(FusedKernel.crossEntropy, { logits, labels }, { weight });
  }
  const logProbabilities = tf.logSoftmax(logits);
  const picked = tf.mul(logProbabilities, tf.oneHot(labels, logits.shape[1]));
  return [tf.mul(tf.sum(picked), -weight), tf.exp(logProbabilities)];
}

function backward(dy: Tensor, [probabilities, labels]: Tensor[], weight: number): Tensor {
  if (hasKernel(FusedKernel.crossEntropyGrad)) {
    return runKernel<Tensor>(FusedKernel.crossEntropyGrad, { probabilities, labels, dy }, { weight });
  }
  const target = tf.oneHot(labels as Tensor1D, probabilities.shape[1]!);
  return tf.mul(tf.sub(probabilities, target), tf.mul(dy, weight));
}

/**
 * Squared error, averaged over the elements of a sample.
 *
 * @param predictions float32 [samples, …]
 * @param targets float32, the same shape
 */
export function mse<T extends Tensor>(predictions: T, targets: T, reduction: Reduction = 'mean'): Scalar {
  const [samples] = predictions.shape;
  const factor = weightOf(samples, reduction) / (predictions.size / samples);
  const operation = tf.customGrad((input, target, save) => {
    const keep = save as unknown as (tensors: Tensor[]) => void;
    const difference = tf.sub(input as Tensor, target as Tensor);
    keep([difference]);
    const gradFunc = (dy: Tensor, [saved]: Tensor[]) => {
      const gradient = tf.mul(saved, tf.mul(dy, 2 * factor));
      return [gradient, tf.neg(gradient)];
    };
    return { value: tf.mul(tf.sum(tf.square(difference)), factor), gradFunc };
  });
  return operation(predictions, targets) as Scalar;
}
