/** Reductions, scans, counts and the largest elements. */
import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import { FusedKernel } from '../../fused-kernels.js';
import { tf } from '../../tf.js';
import type { TorchKernel, TorchKernels } from './kernel.js';

/** No axis at all stands for every one of them. */
const axesOf = (x: TensorInfo, axis: NamedAttrMap[string]): number[] =>
  tf.util.parseAxisParam(axis as number | number[], x.shape);

const reduction =
  (operation: string, axisName = 'axis'): TorchKernel =>
  ({ x }, attrs, backend) =>
    backend.run(operation, [x], axesOf(x, attrs[axisName]), Boolean(attrs.keepDims));

const argReduction =
  (operation: string): TorchKernel =>
  ({ x }, { axis }, backend) =>
    backend.run(operation, [x], axesOf(x, axis)[0]);

const scan =
  (operation: string): TorchKernel =>
  ({ x }, { axis, exclusive, reverse }, backend) =>
    backend.run(operation, [x], axis as number, exclusive as boolean, reverse as boolean);

const flat = (x: TensorInfo): TensorInfo => ({ ...x, shape: [tf.util.sizeFromShape(x.shape)] });

export const reduceKernels: TorchKernels = {
  All: reduction('all'),
  Any: reduction('any'),
  Max: reduction('max', 'reductionIndices'),
  Mean: reduction('mean'),
  Min: reduction('min'),
  Prod: reduction('prod'),
  Sum: reduction('sum'),
  ArgMax: argReduction('argMax'),
  ArgMin: argReduction('argMin'),
  Cumsum: scan('cumsum'),
  Cumprod: scan('cumprod'),
  TopK: ({ x }, { k }, backend) => backend.runAll('topK', 2, [x], k as number),
  Bincount: ({ x, weights }, { size }, backend) =>
    backend.run('bincount', [flat(x), flat(weights)], size as number, false),
  DenseBincount: ({ x, weights }, { size, binaryOutput }, backend) =>
    backend.run('bincount', [x, weights], size as number, Boolean(binaryOutput)),
  [FusedKernel.columnSum]: ({ x }, _attrs, backend) => backend.run('columnSum', [x]),
};
