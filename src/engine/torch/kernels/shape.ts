/** Kernels that move values and compute none. */
import type {
  BatchToSpaceNDAttrs,
  DepthToSpaceAttrs,
  SpaceToBatchNDAttrs,
  SplitVAttrs,
  StridedSliceAttrs,
  TensorInfo,
} from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';
import type { TorchBackend } from '../backend.js';
import type { TorchKernel, TorchKernels } from './kernel.js';

const { getPermuted, getReshaped, getReshapedPermuted, getSliceBeginCoords, getSliceSize } = tf.backend_util;

const product = (sizes: readonly number[]): number => tf.util.sizeFromShape(sizes as number[]);

const concat: TorchKernel = (inputs, { axis }, backend) => {
  const tensors = Object.values(inputs);
  const shapes = tensors.map(({ shape }) => shape);
  const [parsedAxis] = tf.util.parseAxisParam(axis as number, shapes[0]);
  tf.backend_util.assertParamsConsistent(shapes, parsedAxis);
  return backend.run('concat', [...tensors, undefined], parsedAxis);
};

const pack: TorchKernel = (inputs, { axis }, backend) => {
  const tensors = Object.values(inputs);
  for (const { shape, dtype } of tensors) {
    tf.util.assertShapesMatch(
      tensors[0].shape,
      shape,
      'All tensors passed to stack must have matching shapes',
    );
    tf.util.assert(dtype === tensors[0].dtype, () => 'All tensors passed to stack must have matching dtypes');
  }
  return backend.run('pack', [...tensors, undefined], axis as number);
};

const slice = (backend: TorchBackend, x: TensorInfo, begin: number[], size: number[]): TensorInfo =>
  backend.run('slice', [x], begin, size);

const splitV: TorchKernel = ({ x }, attrs, backend) => {
  const { numOrSizeSplits, axis } = attrs as unknown as SplitVAttrs;
  const [parsedAxis] = tf.util.parseAxisParam(axis, x.shape);
  let start = 0;
  return tf.backend_util.prepareSplitSize(x as never, numOrSizeSplits, parsedAxis).map(size => {
    const begin = x.shape.map((_, i) => (i === parsedAxis ? start : 0));
    start += size;
    return slice(backend, x, begin, x.shape.with(parsedAxis, size));
  });
};

const stridedSlice: TorchKernel = ({ x }, attrs, backend) => {
  const { begin, end, strides, ...masks } = attrs as unknown as StridedSliceAttrs;
  const { beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask } = masks;
  const info = tf.slice_util.sliceInfo(
    x.shape,
    begin,
    end,
    strides,
    beginMask,
    endMask,
    ellipsisMask,
    newAxisMask,
    shrinkAxisMask,
  );
  if (info.isIdentity) return backend.share(x, info.finalShape);
  const size = tf.slice_util.computeOutShape(info.begin, info.end, info.strides);
  return backend.run('stridedSlice', [x], info.begin, info.strides, size, info.finalShape);
};

const spaceToBatch: TorchKernel = ({ x }, attrs, backend) => {
  const { blockShape, paddings } = attrs as unknown as SpaceToBatchNDAttrs;
  const all = x.shape.flatMap((_, axis) => paddings[axis - 1] ?? [0, 0]);
  const padded = backend.run('pad', [x], 0, all);
  const block = product(blockShape);
  const shape = getReshaped(padded.shape, blockShape, block, false);
  const permutation = getPermuted(shape.length, blockShape.length, false);
  const flat = getReshapedPermuted(padded.shape, blockShape, block, false);
  const result = backend.run('rearrange', [padded], shape, permutation, flat);
  backend.disposeIntermediateTensorInfo(padded);
  return result;
};

const batchToSpace: TorchKernel = ({ x }, attrs, backend) => {
  const { blockShape, crops } = attrs as unknown as BatchToSpaceNDAttrs;
  const block = product(blockShape);
  const shape = getReshaped(x.shape, blockShape, block);
  const permutation = getPermuted(shape.length, blockShape.length);
  const whole = getReshapedPermuted(x.shape, blockShape, block);
  const uncropped = backend.run('rearrange', [x], shape, permutation, whole);
  const begin = getSliceBeginCoords(crops, blockShape.length);
  const result = slice(backend, uncropped, begin, getSliceSize(whole, crops, blockShape.length));
  backend.disposeIntermediateTensorInfo(uncropped);
  return result;
};

const depthToSpace: TorchKernel = ({ x }, attrs, backend) => {
  const { blockSize, dataFormat } = attrs as unknown as DepthToSpaceAttrs;
  tf.util.assert(dataFormat === 'NHWC', () => `Only NHWC is supported for depthToSpace. Got ${dataFormat}`);
  const [batch, height, width, depth] = x.shape;
  const channels = depth / (blockSize * blockSize);
  const blocks = [batch, height, width, blockSize, blockSize, channels];
  const shape = [batch, height * blockSize, width * blockSize, channels];
  return backend.run('rearrange', [x], blocks, [0, 1, 3, 2, 4, 5], shape);
};

export const shapeKernels: TorchKernels = {
  BatchToSpaceND: batchToSpace,
  Concat: concat,
  DepthToSpace: depthToSpace,
  MirrorPad: ({ x }, { paddings, mode }, backend) =>
    backend.run('mirrorPad', [x], mode === 'symmetric', (paddings as unknown as number[][]).flat()),
  Pack: pack,
  PadV2: ({ x }, { paddings, constantValue }, backend) =>
    backend.run('pad', [x], (constantValue as number) ?? 0, (paddings as unknown as number[][]).flat()),
  Reverse: ({ x }, { dims }, backend) =>
    backend.run('reverse', [x], tf.util.parseAxisParam(dims as number[], x.shape)),
  Slice: ({ x }, { begin, size }, backend) => {
    const parsed = tf.slice_util.parseSliceParams(x as never, begin as number[], size as number[]);
    tf.slice_util.assertParamsValid(x as never, parsed[0], parsed[1]);
    return slice(backend, x, parsed[0], parsed[1]);
  },
  SpaceToBatchND: spaceToBatch,
  SplitV: splitV,
  StridedSlice: stridedSlice,
  Tile: ({ x }, { reps }, backend) => backend.run('tile', [x], reps as number[]),
  Transpose: ({ x }, { perm }, backend) => backend.run('transpose', [x], perm as number[]),
  Unpack: ({ value }, { axis }, backend) => {
    const [parsedAxis] = tf.util.parseAxisParam(axis as number, value.shape);
    return Array.from({ length: value.shape[parsedAxis] }, (_, i) =>
      backend.run('pick', [value], parsedAxis, i),
    );
  },
};
