/** Completes and speeds up tfjs's wasm backend. Done once in a thread. */
import { FusedKernel } from '../../fused-kernels.js';
import { maxPoolGrad } from '../../host-kernels/pool-gradients.js';
import { registerHostKernels } from '../../host-kernels/register.js';
import { type Kernel, setKernel } from '../../kernel-registration.js';
import { tf } from '../../tf.js';
import { type WasmBackend, wasmMemory } from '../backend.js';
import { createBatchNormTrain, createBatchNormTrainGrad } from './batch-norm.js';
import { createCheckedConv2d } from './checked-conv2d.js';
import { conv2dFilterGradient } from './conv2d-filter-gradient.js';
import { createConv2dInputGradient } from './conv2d-input-gradient.js';
import { depthwiseFilterGradient, depthwiseInputGradient } from './depthwise-gradients.js';
import { createColumnSum, reluGrad } from './elementwise.js';
import { createMatMul } from './matmul.js';
import { createCast, identity } from './share.js';
import { createTransform } from './transform.js';
import { unsortedSegmentSum } from './unsorted-segment-sum.js';

export function registerWasmKernels(): void {
  // A second round would wrap our own kernels in themselves.
  if (tf.getKernel(FusedKernel.batchNormTrain, 'wasm')) return;
  registerHostKernels<WasmBackend>('wasm', wasmMemory);
  const kernels = {
    Identity: identity,
    Cast: createCast(),
    Conv2DBackpropFilter: conv2dFilterGradient,
    // Before the checked forward kernels: it calls the stock ones, whose arguments it has checked itself.
    Conv2DBackpropInput: createConv2dInputGradient(),
    Conv2D: createCheckedConv2d('Conv2D'),
    FusedConv2D: createCheckedConv2d('FusedConv2D'),
    BatchMatMul: createMatMul('BatchMatMul'),
    _FusedMatMul: createMatMul('_FusedMatMul'),
    DepthwiseConv2dNativeBackpropFilter: depthwiseFilterGradient,
    DepthwiseConv2dNativeBackpropInput: depthwiseInputGradient,
    Transform: createTransform(),
    UnsortedSegmentSum: unsortedSegmentSum,
    MaxPoolGrad: ((inputs, attrs, backend) =>
      maxPoolGrad(inputs, attrs, wasmMemory(backend))) satisfies Kernel<WasmBackend>,
    [FusedKernel.batchNormTrain]: createBatchNormTrain(),
    [FusedKernel.batchNormTrainGrad]: createBatchNormTrainGrad(),
    [FusedKernel.reluGrad]: reluGrad,
    [FusedKernel.columnSum]: createColumnSum(),
  };
  for (const [name, kernel] of Object.entries(kernels)) setKernel(name, 'wasm', kernel);
}
