/** Training-mode batch normalisation as one operation, in place of the 37 that tfjs-layers records for it. */
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import { FusedKernel } from '../engine/fused-kernels.js';
import { hasKernel } from '../engine/kernel-registration.js';
import { tf } from '../engine/tf.js';
import { patchLayer } from './layer-patch.js';
import { runKernel } from './run-kernel.js';

interface Weight {
  read(): Tensor;
  write(value: Tensor): void;
}

interface BatchNormLayer {
  readonly axis: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly gamma?: Weight;
  readonly beta?: Weight;
  readonly movingMean: Weight;
  readonly movingVariance: Weight;
}

type Forward = [y: Tensor, mean: Tensor, variance: Tensor];
type Backward = [dx: Tensor, dScale: Tensor, dOffset: Tensor];

const leadingAxes = (x: Tensor): number[] => Array.from({ length: x.rank - 1 }, (_, axis) => axis);

function forward(x: Tensor, scale: Tensor | undefined, offset: Tensor | undefined, epsilon: number): Forward {
  if (hasKernel(FusedKernel.batchNormTrain)) {
    return runKernel<Forward>(FusedKernel.batchNormTrain, { x, scale, offset }, { epsilon });
  }
  const { mean, variance } = tf.moments(x, leadingAxes(x));
  const y = tf.batchNorm(
    x,
    mean as Tensor1D,
    variance as Tensor1D,
    offset as Tensor1D | undefined,
    scale as Tensor1D | undefined,
    epsilon,
  );
  return [y, mean, variance];
}

function backward(
  dy: Tensor,
  [x, mean, variance]: Tensor[],
  scale: Tensor | undefined,
  epsilon: number,
): Backward {
  if (hasKernel(FusedKernel.batchNormTrainGrad)) {
    return runKernel<Backward>(FusedKernel.batchNormTrainGrad, { dy, x, mean, variance, scale }, { epsilon });
  }
  const axes = leadingAxes(x);
  const rows = x.size / mean.size;
  const inverse = tf.rsqrt(tf.add(variance, epsilon));
  const normalised = tf.mul(tf.sub(x, mean), inverse);
  const dOffset = tf.sum(dy, axes);
  const dScale = tf.sum(tf.mul(dy, normalised), axes);
  const centred = tf.sub(dy, tf.div(tf.add(dOffset, tf.mul(normalised, dScale)), rows));
  const dx = tf.mul(centred, scale ? tf.mul(scale, inverse) : inverse);
  return [dx, dScale, dOffset];
}

function updateMoving(weight: Weight, value: Tensor, momentum: number): void {
  const old = weight.read();
  weight.write(tf.sub(old, tf.mul(tf.sub(old, value), 1 - momentum)));
}

/** Normalises over all axes but the last with batch statistics, and moves the layer's running statistics. */
function normalise(layer: BatchNormLayer, x: Tensor): Tensor {
  const { epsilon, momentum, gamma, beta, movingMean, movingVariance } = layer;
  const weights = [gamma, beta].filter(weight => weight !== undefined).map(weight => weight.read());
  const operation = tf.customGrad((...args) => {
    const save = args.pop() as unknown as (tensors: Tensor[]) => void;
    const input = args[0] as Tensor;
    const scale = gamma && (args[1] as Tensor);
    const offset = beta && (args[gamma ? 2 : 1] as Tensor);
    const [y, mean, variance] = forward(input, scale, offset, epsilon);
    updateMoving(movingMean, mean, momentum);
    updateMoving(movingVariance, variance, momentum);
    save(scale ? [input, mean, variance, scale] : [input, mean, variance]);
    const gradFunc = (dy: Tensor, saved: Tensor[]) => {
      const [dx, dScale, dOffset] = backward(dy, saved, saved[3], epsilon);
      return [dx, ...(gamma ? [dScale] : []), ...(beta ? [dOffset] : [])];
    };
    return { value: y, gradFunc: gradFunc as (dy: Tensor, saved: Tensor[]) => Tensor[] };
  });
  return operation(x, ...weights);
}

/** Installs it for every BatchNormalization layer over the last axis; others stay as they are. */
export function installBatchNorm(): void {
  patchLayer<BatchNormLayer>('BatchNormalization', (layer, input, kwargs) => {
    const isLastAxis = layer.axis === -1 || layer.axis === input.rank - 1;
    return kwargs.training && isLastAxis ? normalise(layer, input) : undefined;
  });
}
