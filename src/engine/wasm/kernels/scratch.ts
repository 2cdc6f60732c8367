/** Short-lived heap memory of a kernel. */
import type { WasmBackend } from '../backend.js';

export interface Scratch {
  /** Bytes. */
  readonly address: number;
  /** Its float32 elements, not initialised. Ask again after any allocation: the heap may have moved. */
  values(): Float32Array;
  free(): void;
}

export function scratch(backend: WasmBackend, length: number): Scratch {
  const address = backend.wasm._malloc(length * 4) >>> 0;
  return {
    address,
    values: () => new Float32Array(backend.wasm.HEAPU8.buffer, address, length),
    free: () => backend.wasm._free(address),
  };
}
