/** Dense layers in training: product and bias as one kernel, with a gradient that computes only what is asked for. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { setGradient } from '../engine/kernel-registration.js';
import { tf } from '../engine/tf.js';
import { columnSum } from './column-sum.js';
import { isRecording, patchLayer } from './layer-patch.js';
import { runKernel } from './run-kernel.js';

interface DenseLayer {
  readonly kernel: { read(): Tensor };
  readonly bias: { read(): Tensor } | null;
  readonly activation: { apply(x: Tensor): Tensor } | null;
}

export function installDense(): void {
  setGradient({
    kernelName: '_FusedMatMul',
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, [a, b]) => {
      const upstream = dy as Tensor;
      return {
        a: () => tf.matMul(upstream, b, false, true),
        b: () => tf.matMul(a, upstream, true, false),
        bias: () => columnSum(upstream),
      };
    },
  });
  patchLayer<DenseLayer>('Dense', (layer, x) => {
    if (!isRecording() || x.rank !== 2) return undefined;
    const [rows, inputs] = x.shape;
    const kernel = layer.kernel.read();
    const outputs = kernel.shape[1]!;
    // The kernel is defined on batches of matrices.
    const product = runKernel<Tensor>(
      '_FusedMatMul',
      {
        a: tf.reshape(x, [1, rows, inputs]),
        b: tf.reshape(kernel, [1, inputs, outputs]),
        bias: layer.bias?.read(),
      },
      { transposeA: false, transposeB: false, activation: 'linear', leakyreluAlpha: 0 },
    );
    const y = tf.reshape(product, [rows, outputs]);
    return layer.activation ? layer.activation.apply(y) : y;
  });
}
