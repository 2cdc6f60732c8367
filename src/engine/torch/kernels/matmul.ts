/** Matrix products. */
import { tf } from '../../tf.js';
import { activationOf } from './fused.js';
import type { TorchKernel, TorchKernels } from './kernel.js';

const matMul: TorchKernel = ({ a, b, bias, preluActivationWeights }, attrs, backend) => {
  const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
  const tensors = [a, b, bias, preluActivationWeights];
  return backend.run('matMul', tensors, transposeA, transposeB, ...activationOf(attrs));
};

export const matmulKernels: TorchKernels = {
  BatchMatMul: matMul,
  _FusedMatMul: matMul,
  Einsum: (inputs, { equation }, backend) => {
    const tensors = Object.values(inputs);
    // LibTorch would also take equations, and broadcast sizes, that tfjs refuses.
    const { allDims, idDims } = tf.backend_util.decodeEinsumEquation(equation as string, tensors.length);
    tf.backend_util.checkEinsumDimSizes(allDims.length, idDims, tensors as never);
    const bare = (equation as string).replaceAll(/\s/g, '');
    const characters = Array.from(bare, character => character.charCodeAt(0));
    return backend.run('einsum', [...tensors, undefined], characters);
  },
};
