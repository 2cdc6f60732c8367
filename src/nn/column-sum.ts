import type { Tensor } from '@tensorflow/tfjs-core';
import { FusedKernel } from '../engine/fused-kernels.js';
import { hasKernel } from '../engine/kernel-registration.js';
import { tf } from '../engine/tf.js';
import { runKernel } from './run-kernel.js';

/** Sum over all axes but the last: the gradient of a bias. x [.., C] → [C]. */
export function columnSum(x: Tensor): Tensor {
  if (hasKernel(FusedKernel.columnSum)) return runKernel<Tensor>(FusedKernel.columnSum, { x });
  return tf.sum(
    x,
    Array.from({ length: x.rank - 1 }, (_, axis) => axis),
  );
}
