/** Identity and Cast to the same dtype by reference: tfjs's wasm backend copies every tensor that a tape saves. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type Kernel, stockKernel } from '../../kernel-registration.js';
import type { WasmBackend } from '../backend.js';

function share({ dataId, shape, dtype }: TensorInfo, backend: WasmBackend): TensorInfo {
  backend.incRef(dataId);
  return { dataId, shape, dtype };
}

export const identity: Kernel<WasmBackend> = ({ x }, _attrs, backend) => share(x, backend);

export function createCast(): Kernel<WasmBackend> {
  const stock = stockKernel<WasmBackend>('Cast', 'wasm')!;
  return (inputs, attrs, backend) =>
    attrs.dtype === inputs.x.dtype ? share(inputs.x, backend) : stock(inputs, attrs, backend);
}
