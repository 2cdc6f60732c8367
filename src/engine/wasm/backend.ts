/** What we use of tfjs's wasm backend. Its public types leave the heap and the memory out. */
import type { DataId, DataType, TensorInfo, TypedArray } from '@tensorflow/tfjs-core';
import { OutOfMemoryError } from '../../errors.js';
import type { HostMemory } from '../host-memory.js';

export interface WasmTensor {
  /** The number by which compiled code knows the tensor, and under which it caches packed weights. */
  readonly id: number;
  /** Byte address. */
  readonly memoryOffset: number;
  readonly shape: number[];
  refCount: number;
}

export interface WasmBackend {
  readonly wasm: {
    readonly HEAPU8: Uint8Array;
    readonly asm: { readonly memory: { readonly buffer: ArrayBuffer } };
    _malloc(bytes: number): number;
    _free(address: number): void;
    readonly tfjs: {
      registerTensor(id: number, size: number, address: number): void;
      disposeData(id: number): void;
    };
  };
  readonly dataIdMap: { get(dataId: DataId): WasmTensor; delete(dataId: DataId): boolean };
  makeOutput(shape: number[], dtype: DataType, address?: number): TensorInfo;
  typedArrayFromHeap(tensor: TensorInfo): TypedArray;
  incRef(dataId: DataId): void;
  disposeData(dataId: DataId): boolean;
}

export function wasmMemory(backend: WasmBackend): HostMemory {
  return {
    allocate: (shape, dtype = 'float32') => backend.makeOutput([...shape], dtype),
    float32: tensor => backend.typedArrayFromHeap(tensor) as Float32Array,
    int32: tensor => backend.typedArrayFromHeap(tensor) as Int32Array,
  };
}

/** Byte address of a tensor's first element. */
export function addressOf(backend: WasmBackend, tensor: TensorInfo): number {
  return backend.dataIdMap.get(tensor.dataId).memoryOffset;
}

/**
 * Makes an allocation that fails throw. The backend itself never looks: it would go on with address 0 and
 * overwrite the start of the heap.
 */
export function guardAllocation(backend: WasmBackend): void {
  const { wasm } = backend;
  // The module's functions put the compiled ones in their own place at their first call: it must be over, or it
  // would drop what is installed here.
  wasm._free(wasm._malloc(4));
  const allocate = wasm._malloc;
  wasm._malloc = bytes => {
    // The compiled function takes 32 bits: 5 GiB would be taken for 1 GiB.
    const address = bytes < 2 ** 32 ? allocate(bytes) : 0;
    if (address === 0 && bytes > 0) {
      throw new OutOfMemoryError(`The wasm heap has no room for another ${bytes} bytes.`, {
        where: `heap of ${(wasm.HEAPU8.length / 2 ** 20).toFixed()} MiB (its limit is 4096 MiB)`,
        hint: 'Use a smaller batch, or more replicas: each has a heap of its own.',
      });
    }
    return address;
  };
}
