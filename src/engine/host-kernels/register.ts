/** Registers the host kernels for one backend. */
import { FusedKernel } from '../fused-kernels.js';
import type { HostMemory } from '../host-memory.js';
import { type Kernel, setKernel } from '../kernel-registration.js';
import { batchNormTrain, batchNormTrainGrad } from './batch-norm.js';
import { columnSum } from './column-sum.js';
import { crossEntropy, crossEntropyGrad } from './cross-entropy.js';
import { avgPoolGrad } from './pool-gradients.js';
import { reluGrad } from './relu-grad.js';

const kernels: Record<string, Kernel<HostMemory>> = {
  [FusedKernel.batchNormTrain]: batchNormTrain,
  [FusedKernel.batchNormTrainGrad]: batchNormTrainGrad,
  [FusedKernel.crossEntropy]: crossEntropy,
  [FusedKernel.crossEntropyGrad]: crossEntropyGrad,
  [FusedKernel.reluGrad]: reluGrad,
  [FusedKernel.columnSum]: columnSum,
  AvgPoolGrad: avgPoolGrad,
};

/** @param memoryOf turns the backend that tfjs hands to a kernel into its memory. */
export function registerHostKernels<Backend extends object>(
  backendName: string,
  memoryOf: (backend: Backend) => HostMemory,
): void {
  for (const [name, kernel] of Object.entries(kernels)) {
    setKernel<Backend>(name, backendName, (inputs, attrs, backend) =>
      kernel(inputs, attrs, memoryOf(backend)),
    );
  }
}
