/** Normalisation of batches, and of an element by its neighbours among the channels. */
import type { NamedAttrMap } from '@tensorflow/tfjs-core';
import { FusedKernel } from '../../fused-kernels.js';
import type { TorchKernels } from './kernel.js';

const responseAttributes = ({ depthRadius, bias, alpha, beta }: NamedAttrMap): number[] =>
  [depthRadius, bias, alpha, beta] as number[];

export const normKernels: TorchKernels = {
  FusedBatchNorm: ({ x, mean, variance, offset, scale }, { varianceEpsilon }, backend) =>
    backend.run('batchNorm', [x, mean, variance, offset, scale], (varianceEpsilon as number) ?? 0.001),
  [FusedKernel.batchNormTrain]: ({ x, scale, offset }, { epsilon }, backend) =>
    backend.runAll('batchNormTrain', 3, [x, scale, offset], epsilon as number),
  [FusedKernel.batchNormTrainGrad]: ({ dy, x, mean, variance, scale }, { epsilon }, backend) =>
    backend.runAll('batchNormTrainGrad', 3, [dy, x, mean, variance, scale], epsilon as number),
  LRN: ({ x }, attrs, backend) => backend.run('localResponse', [x], ...responseAttributes(attrs)),
  LRNGrad: ({ x, y, dy }, attrs, backend) =>
    backend.run('localResponseGrad', [x, y, dy], ...responseAttributes(attrs)),
};
