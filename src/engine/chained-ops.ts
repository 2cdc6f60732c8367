/**
 * Chained ops: `x.relu()` besides `tf.relu(x)`. tfjs-core's Node bundle leaves them out, yet recipes use them and
 * tfjs-layers' own Orthogonal initializer (the default of LSTM and GRU) needs `flatten`. A method is added only
 * where the tensor class has none.
 */
import * as core from '@tensorflow/tfjs-core';
import type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';

type Op = (x: core.Tensor, ...args: unknown[]) => unknown;

/** Ops whose chained form is the op itself with the tensor as its first argument. */
const plainOps = `
  abs acos acosh add all any argMax argMin asin asinh atan atan2 atanh avgPool batchNorm batchToSpaceND
  broadcastTo cast ceil clipByValue conv1d conv2d conv2dTranspose cos cosh cumprod cumsum depthToSpace
  depthwiseConv2d dilation2d div divNoNan dot elu equal erf euclideanNorm exp expandDims expm1 floor floorDiv
  gather greater greaterEqual isFinite isInf isNaN leakyRelu less lessEqual localResponseNormalization log log1p
  logSigmoid logSoftmax logSumExp logicalAnd logicalNot logicalOr logicalXor matMul max maxPool maximum mean min
  minimum mirrorPad mod mul neg norm notEqual oneHot onesLike pad pow prelu prod reciprocal relu relu6 reshape
  resizeBilinear resizeNearestNeighbor reverse round rsqrt selu separableConv2d sigmoid sign sin sinh slice
  softmax softplus spaceToBatchND split sqrt square squaredDifference squeeze step stridedSlice sub sum tan tanh
  tile topk transpose unique unsortedSegmentSum unstack zerosLike`
  .trim()
  .split(/\s+/);

const list = (x: unknown): core.Tensor[] => (Array.isArray(x) ? x : [x as core.Tensor]);

/** Ops whose chained form has its own name or order of arguments. */
const renamedOps: Record<string, Op> = {
  asScalar: x => core.reshape(x, []),
  as1D: x => core.reshape(x, [x.size]),
  as2D: (x, ...shape) => core.reshape(x, shape as number[]),
  as3D: (x, ...shape) => core.reshape(x, shape as number[]),
  as4D: (x, ...shape) => core.reshape(x, shape as number[]),
  as5D: (x, ...shape) => core.reshape(x, shape as number[]),
  asType: (x, dtype) => core.cast(x, dtype as core.DataType),
  concat: (x, others, axis) => core.concat([x, ...list(others)], axis as number),
  stack: (x, others, axis) => core.stack([x, ...list(others)], axis as number),
  flatten: x => core.reshape(x, [x.size]),
  reshapeAs: (x, other) => core.reshape(x, (other as core.Tensor).shape),
  toBool: x => core.cast(x, 'bool'),
  toFloat: x => core.cast(x, 'float32'),
  toInt: x => core.cast(x, 'int32'),
  where: (x, condition, other) => core.where(condition as core.Tensor, x, other as core.Tensor),
  pool: (x, windowShape, type, padding, dilations, strides, rounding) =>
    core.pool(
      x as core.Tensor4D,
      windowShape as number,
      type as 'avg' | 'max',
      padding as 'valid',
      dilations as number,
      strides as number,
      rounding as 'floor',
    ),
  fft: x => core.spectral.fft(x),
  ifft: x => core.spectral.ifft(x),
  irfft: x => core.spectral.irfft(x),
  rfft: x => core.spectral.rfft(x),
};

/** Adds the missing chained ops to the tensor class of this thread. Calling it again does nothing. */
export function registerChainedOps(): void {
  const prototype = core.Tensor.prototype as unknown as Record<string, unknown>;
  const define = (name: string, op: Op) => {
    if (name in prototype) return;
    prototype[name] = function chained(this: core.Tensor, ...args: unknown[]) {
      return op(this, ...args);
    };
  };
  const ops = core as unknown as Record<string, Op>;
  for (const name of plainOps) define(name, ops[name]);
  for (const [name, op] of Object.entries(renamedOps)) define(name, op);
}
