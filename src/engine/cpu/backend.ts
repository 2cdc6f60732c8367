/** What we use of tfjs's cpu backend: tensors are plain typed arrays, kept by reference. */
import type { DataId, DataType, TensorInfo, TypedArray } from '@tensorflow/tfjs-core';
import type { HostMemory } from '../host-memory.js';

export interface CpuBackend {
  /** True until the first write, which would print a banner. */
  firstUse: boolean;
  readonly data: { get(dataId: DataId): { values: TypedArray; refCount: number } };
  makeTensorInfo(shape: number[], dtype: DataType, values: TypedArray): TensorInfo;
  disposeData(dataId: DataId): boolean;
}

export function cpuMemory(backend: CpuBackend): HostMemory {
  return {
    allocate(shape, dtype = 'float32') {
      const size = shape.reduce((product, n) => product * n, 1);
      const values = dtype === 'float32' ? new Float32Array(size) : new Int32Array(size);
      return backend.makeTensorInfo([...shape], dtype, values);
    },
    float32: tensor => backend.data.get(tensor.dataId).values as Float32Array,
    int32: tensor => backend.data.get(tensor.dataId).values as Int32Array,
  };
}
