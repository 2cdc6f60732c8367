/** Gradient of relu and leaky relu from their output: y > 0 exactly where x > 0, for slopes of 0 and above. */
import type { HostMemory } from '../host-memory.js';
import type { Kernel } from '../kernel-registration.js';

export const reluGrad: Kernel<HostMemory> = (inputs, attrs, memory) => {
  const output = memory.allocate(inputs.y.shape);
  const dx = memory.float32(output);
  const dy = memory.float32(inputs.dy);
  const y = memory.float32(inputs.y);
  const slope = attrs.slope as number;
  for (let i = 0; i < dx.length; i++) dx[i] = y[i] > 0 ? dy[i] : slope * dy[i];
  return output;
};
