/** Conv2D and FusedConv2D, refused where tfjs's wasm backend would return zeros. */
import { type Kernel, stockKernel } from '../../kernel-registration.js';
import type { WasmBackend } from '../backend.js';
import { convGeometry } from './conv-geometry.js';

export function createCheckedConv2d(name: 'Conv2D' | 'FusedConv2D'): Kernel<WasmBackend> {
  const stock = stockKernel<WasmBackend>(name, 'wasm')!;
  return (inputs, attrs, backend) => {
    convGeometry(inputs.x.shape, inputs.filter.shape, attrs);
    return stock(inputs, attrs, backend);
  };
}
