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
 * @param labelSmoothing ε, 0 … 1: the target of a class is ε / classes, that of the label 1 − ε more, as in PyTorch
 * @throws RecipeError when a label is not below the number of classes (cpu and wasm engines, without smoothing)
 */
export function crossEntropy(
  logits: Tensor2D,
  labels: Tensor1D,
  reduction: Reduction = 'mean',
  labelSmoothing = 0,
): Scalar {
  const weight = weightOf(logits.shape[0], reduction);
  if (labelSmoothing > 0) return smoothCrossEntropy(logits, labels, weight, labelSmoothing);
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

/** −Σ target · log softmax(logits), whose gradient is softmax(logits) − target as the targets of a sample add up to 1. */
function smoothCrossEntropy(logits: Tensor2D, labels: Tensor1D, weight: number, smoothing: number): Scalar {
  const operation = tf.customGrad((input, save) => {
    const scores = input as Tensor2D;
    const keep = save as unknown as (tensors: Tensor[]) => void;
    const spread = smoothing / scores.shape[1];
    // The wasm backend's own on and off values are whole numbers.
    const label = tf.oneHot(labels, scores.shape[1]);
    const target = tf.add(tf.mul(label, 1 - smoothing), spread);
    const logProbabilities = tf.logSoftmax(scores);
    keep([tf.exp(logProbabilities), target]);
    return {
      value: tf.mul(tf.sum(tf.mul(logProbabilities, target)), -weight),
      gradFunc: (dy: Tensor, saved: Tensor[]) => tf.mul(tf.sub(saved[0], saved[1]), tf.mul(dy, weight)),
    };
  });
  return operation(logits) as Scalar;
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
