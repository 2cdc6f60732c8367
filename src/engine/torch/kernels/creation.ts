/** Tensors made of numbers alone. */
import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import type { TorchBackend } from '../backend.js';
import { arrayOf, type NativeType, nativeTypes } from '../dtypes.js';
import type { TorchKernel, TorchKernels } from './kernel.js';

function fill(backend: TorchBackend, shape: readonly number[], value: number, dtype: string): TensorInfo {
  const type = dtype as NativeType;
  // As a typed array would hold it.
  const [typed] = arrayOf[type].of(value);
  return backend.run('fill', [], nativeTypes.indexOf(type), shape, typed);
}

const fillLike =
  (value: number): TorchKernel =>
  ({ x }, _attrs, backend) =>
    fill(backend, x.shape, value, x.dtype);

/** How many numbers tf.range(start, stop, step) has, and the step it really takes. */
function rangeOf({ start, stop, step }: Record<'start' | 'stop' | 'step', number>): [number, number] {
  const leadsAway = (start < stop && step < 0) || (stop < start && step > 1);
  if (start === stop || leadsAway) return [0, step];
  return [Math.abs(Math.ceil((stop - start) / step)), stop < start && step === 1 ? -1 : step];
}

const range = (attrs: NamedAttrMap, backend: TorchBackend): TensorInfo => {
  const [length, step] = rangeOf(attrs as Parameters<typeof rangeOf>[0]);
  const type = nativeTypes.indexOf(attrs.dtype as NativeType);
  return backend.run('range', [], type, length, attrs.start as number, step);
};

export const creationKernels: TorchKernels = {
  Fill: (_inputs, { shape, value, dtype }, backend) =>
    fill(backend, shape as number[], value as number, dtype as string),
  ZerosLike: fillLike(0),
  OnesLike: fillLike(1),
  Range: (_inputs, attrs, backend) => range(attrs, backend),
  LinSpace: (_inputs, { num, start, stop }, backend) =>
    backend.run('linSpace', [], num as number, start as number, stop as number),
  OneHot: ({ indices }, { dtype, depth, onValue, offValue }, backend) => {
    const type = nativeTypes.indexOf(dtype as NativeType);
    return backend.run('oneHot', [indices], type, depth as number, onValue as number, offValue as number);
  },
};
