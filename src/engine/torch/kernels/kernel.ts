import type { Kernel } from '../../kernel-registration.js';
import type { TorchBackend } from '../backend.js';

export type TorchKernel = Kernel<TorchBackend>;

/** Kernels by the name that tfjs gives them. */
export type TorchKernels = Readonly<Record<string, TorchKernel>>;
