import { setKernel } from '../../kernel-registration.js';
import { TORCH } from '../backend.js';
import { registerFallbacks, withHostCalls } from '../fallback.js';
import { binaryKernels } from './binary.js';
import { castKernels } from './cast.js';
import { compareKernels } from './compare.js';
import { convKernels } from './conv.js';
import { conv3dKernels } from './conv3d.js';
import { creationKernels } from './creation.js';
import { imageKernels } from './image.js';
import { indexKernels } from './index.js';
import type { TorchKernels } from './kernel.js';
import { matmulKernels } from './matmul.js';
import { normKernels } from './norm.js';
import { poolKernels } from './pool.js';
import { reduceKernels } from './reduce.js';
import { shapeKernels } from './shape.js';
import { shareKernels } from './share.js';
import { softmaxKernels } from './softmax.js';
import { unaryKernels } from './unary.js';

const families: readonly TorchKernels[] = [
  binaryKernels,
  castKernels,
  compareKernels,
  creationKernels,
  normKernels,
  reduceKernels,
  softmaxKernels,
  convKernels,
  conv3dKernels,
  imageKernels,
  indexKernels,
  matmulKernels,
  poolKernels,
  shapeKernels,
  unaryKernels,
];

/**
 * Registers every kernel for this thread: native ones, and for the rest the cpu backend's through host copies.
 *
 * @param warn called with the name of a kernel of the second kind when it first runs
 * @returns the names of the native ones
 */
export function registerTorchKernels(warn: (kernelName: string) => void = () => {}): ReadonlySet<string> {
  const computing = families.flatMap(family => Object.entries(family));
  for (const [name, kernel] of computing) setKernel(name, TORCH, withHostCalls(name, kernel));
  // Whatever lives on the host can be shared too.
  for (const [name, kernel] of Object.entries(shareKernels)) setKernel(name, TORCH, kernel);
  const native = new Set([...computing.map(([name]) => name), ...Object.keys(shareKernels)]);
  registerFallbacks(TORCH, native, warn);
  return native;
}
