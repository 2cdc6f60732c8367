import { setKernel } from '../../kernel-registration.js';
import { TORCH } from '../backend.js';
import type { TorchKernels } from './kernel.js';
import { shareKernels } from './share.js';

const families: readonly TorchKernels[] = [shareKernels];

/** Registers every native kernel for this thread; returns their names. */
export function registerTorchKernels(): ReadonlySet<string> {
  const kernels = families.flatMap(family => Object.entries(family));
  for (const [name, kernel] of kernels) setKernel(name, TORCH, kernel);
  return new Set(kernels.map(([name]) => name));
}
