/**
 * tfjs's cpu kernel of `tf.image.transform` returns after the first image of a batch and leaves the others empty
 * (tfjs-backend-cpu 4.22, kernels/Transform.ts): it is given one image at a time.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type Kernel, setKernel, stockKernel } from '../kernel-registration.js';
import type { CpuBackend } from './backend.js';

const NAME = 'Transform';
let stock: Kernel<CpuBackend> | undefined;

/** Puts the whole batch's kernel in the place of the first image's. */
export function registerTransform(): void {
  if (stock) return;
  stock = stockKernel<CpuBackend>(NAME, 'cpu')!;
  setKernel(NAME, 'cpu', transform);
}

const transform: Kernel<CpuBackend> = ({ image, transforms }, attrs, backend) => {
  const [count, height, width, channels] = image.shape;
  const [newHeight, newWidth] = (attrs.outputShape as [number, number] | undefined) ?? [height, width];
  const size = newHeight * newWidth * channels;
  const all = new Float32Array(count * size);
  for (let i = 0; i < count; i++) {
    const one = rowOf(image, i, [1, height, width, channels], backend);
    const map = rowOf(transforms, transforms.shape[0] === 1 ? 0 : i, [1, 8], backend);
    const result = stock!({ image: one, transforms: map }, attrs, backend) as TensorInfo;
    all.set(backend.data.get(result.dataId).values, i * size);
    for (const { dataId } of [one, map, result]) backend.disposeData(dataId);
  }
  return backend.makeTensorInfo([count, newHeight, newWidth, channels], 'float32', all);
};

/** The `i`th row of a tensor, in its memory. */
function rowOf({ dataId, dtype }: TensorInfo, i: number, shape: number[], backend: CpuBackend): TensorInfo {
  const size = shape.reduce((product, n) => product * n, 1);
  return backend.makeTensorInfo(
    shape,
    dtype,
    backend.data.get(dataId).values.subarray(i * size, (i + 1) * size),
  );
}
