/** Relu's gradient and bias gradients with compiled loops. */
import { FusedKernel } from '../../fused-kernels.js';
import { type Kernel, stockKernel } from '../../kernel-registration.js';
import { addressOf, type WasmBackend } from '../backend.js';
import { rowsPerBlock, walkColumns } from '../simd/columns.js';
import { simdLoops } from '../simd/module.js';
import { scratch } from './scratch.js';

export const reluGrad: Kernel<WasmBackend> = (inputs, attrs, backend) => {
  const slope = attrs.slope as number;
  const out = backend.makeOutput(inputs.y.shape, 'float32');
  const [dy, y, dx] = [inputs.dy, inputs.y, out].map(t => backend.typedArrayFromHeap(t));
  const quads = Math.floor(dx.length / 4);
  if (quads > 0) {
    simdLoops(backend).relu_grad(
      quads,
      ...[inputs.dy, inputs.y, out].map(tensor => addressOf(backend, tensor)),
      slope,
    );
  }
  for (let i = quads * 4; i < dx.length; i++) dx[i] = y[i] > 0 ? dy[i] : slope * dy[i];
  return out;
};

export function createColumnSum(): Kernel<WasmBackend> {
  const general = stockKernel<WasmBackend>(FusedKernel.columnSum, 'wasm')!;
  return (inputs, attrs, backend) => {
    const { x } = inputs;
    const columns = x.shape[x.shape.length - 1];
    const rows = x.shape.slice(0, -1).reduce((n, m) => n * m, 1);
    if (columns % 4 !== 0) return general(inputs, attrs, backend);
    const out = backend.makeOutput([columns], 'float32');
    const area = scratch(backend, columns);
    const partial = area.values();
    const totals = new Float64Array(columns);
    const block = rowsPerBlock(columns, 1);
    for (let start = 0; start < rows; start += block) {
      partial.fill(0);
      walkColumns(simdLoops(backend), 'sums', Math.min(block, rows - start), columns, {
        streams: [addressOf(backend, x) + start * columns * 4],
        sums: [area.address],
      });
      for (let c = 0; c < columns; c++) totals[c] += partial[c];
    }
    (backend.typedArrayFromHeap(out) as Float32Array).set(totals);
    area.free();
    return out;
  };
}
