/**
 * Flat parameters on the wasm backend: one block of its heap, each variable a view of it.
 *
 *   block ┌──────────┬──────┬───────────────┬───┐
 *         │ kernel 0 │bias 0│   kernel 1    │ … │   float32, in the order given
 *         └──────────┴──────┴───────────────┴───┘
 *
 * Two things of the backend are worked around here. It frees the memory of a tensor that loses its last
 * reference, which for a view would free an address inside the block: so we hold a reference of our own. And it
 * keeps packed copies of conv and matmul weights by tensor id, which go stale when the block is written:
 * `changed()` registers each id anew, which drops them.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { FlatParameters, FlatVariable } from '../engine.js';
import { flatLayout } from '../flat-layout.js';
import { tf } from '../tf.js';
import type { WasmBackend } from './backend.js';

export function wasmFlatParameters(backend: WasmBackend, variables: readonly FlatVariable[]): FlatParameters {
  const { parts, length } = flatLayout(variables);
  const { wasm } = backend;
  // `>>> 0` because addresses above 2 GiB come back negative.
  const block = wasm._malloc(Math.max(length, 1) * 4) >>> 0;
  const views: TensorInfo[] = parts.map(({ variable, shape, offset }) => {
    const view = backend.makeOutput(shape, 'float32', block + offset * 4);
    backend.incRef(view.dataId);
    const held = variable.read();
    const values = backend.typedArrayFromHeap(view);
    values.set(backend.typedArrayFromHeap({ dataId: held.dataId, shape: held.shape, dtype: held.dtype }));
    variable.bind(tf.engine().makeTensorFromTensorInfo(view));
    return view;
  });
  return {
    length,
    values: () => new Float32Array(wasm.HEAPU8.buffer, block, length),
    changed() {
      views.forEach((view, i) => {
        const { id, memoryOffset } = backend.dataIdMap.get(view.dataId);
        wasm.tfjs.disposeData(id);
        wasm.tfjs.registerTensor(id, parts[i].size, memoryOffset);
      });
    },
    dispose() {
      for (const view of views) {
        wasm.tfjs.disposeData(backend.dataIdMap.get(view.dataId).id);
        backend.dataIdMap.delete(view.dataId);
      }
      wasm._free(block);
    },
  };
}
