/**
 * `tf.image.transform` where what is outside of an image is its reflection. The compiled kernel takes the last pixel
 * for all coordinates below 0 (tfjs-backend-wasm 4.22); reflections repeat, so it is given the same ones above 0.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type Kernel, stockKernel } from '../../kernel-registration.js';
import type { WasmBackend } from '../backend.js';

/** {image [n, height, width, channels], transforms [1 or n, 8]} */
export function createTransform(): Kernel<WasmBackend> {
  const stock = stockKernel<WasmBackend>('Transform', 'wasm')!;
  return ({ image, transforms }, attrs, backend) => {
    if (attrs.fillMode !== 'reflect') return stock({ image, transforms }, attrs, backend);
    const [, height, width] = image.shape;
    const [newHeight, newWidth] = (attrs.outputShape as [number, number] | undefined) ?? [height, width];
    const shifted = backend.makeOutput(transforms.shape, 'float32');
    const rows = backend.typedArrayFromHeap(shifted) as Float32Array;
    rows.set(backend.typedArrayFromHeap(transforms));
    for (let at = 0; at < rows.length; at += 8) {
      const row = rows.subarray(at, at + 8);
      shift(row, 0, 2 * width, newHeight, newWidth);
      shift(row, 3, 2 * height, newHeight, newWidth);
    }
    const result = stock({ image, transforms: shifted }, attrs, backend) as TensorInfo;
    backend.disposeData(shifted.dataId);
    return result;
  };
}

/**
 * Moves the coordinate (ax + by + c) / (gx + hy + 1) by as many periods as bring it above 0 everywhere. It is least in
 * a corner of the result, unless it is infinite in between: such a map stays as it is.
 *
 * @param first place of a in the row: 0, or 3 for the vertical coordinate
 */
function shift(row: Float32Array, first: number, period: number, height: number, width: number): void {
  const [a, b, c] = row.subarray(first, first + 3);
  const [g, h] = row.subarray(6, 8);
  let least = 0;
  for (const x of [0, width - 1]) {
    for (const y of [0, height - 1]) {
      const divisor = g * x + h * y + 1;
      if (!(divisor > 0)) return;
      least = Math.min(least, (a * x + b * y + c) / divisor);
    }
  }
  const by = period * Math.ceil(-least / period);
  row.set([a + by * g, b + by * h, c + by], first);
}
