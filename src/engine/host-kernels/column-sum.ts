/** Sum over all axes but the last, in float64: the gradient of a bias. */
import type { HostMemory } from '../host-memory.js';
import type { Kernel } from '../kernel-registration.js';

export const columnSum: Kernel<HostMemory> = ({ x }, _attrs, memory) => {
  const columns = x.shape[x.shape.length - 1];
  const output = memory.allocate([columns]);
  const values = memory.float32(x);
  const sums = new Float64Array(columns);
  for (let i = 0; i < values.length; ) for (let c = 0; c < columns; c++) sums[c] += values[i++];
  memory.float32(output).set(sums);
  return output;
};
