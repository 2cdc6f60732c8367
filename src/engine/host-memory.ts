/**
 * Tensors of the cpu and wasm backends lie in memory that JavaScript can address. Kernels written as loops over
 * typed arrays (`host-kernels/`) reach them through this interface and so serve both.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';

export interface HostMemory {
  /** A tensor of undefined content. On wasm this may move the heap: take views after the last allocation. */
  allocate(shape: readonly number[], dtype?: 'float32' | 'int32'): TensorInfo;
  float32(tensor: TensorInfo): Float32Array;
  int32(tensor: TensorInfo): Int32Array;
}
