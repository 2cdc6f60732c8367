/** UnsortedSegmentSum, the gradient of gather and embedding, which tfjs's wasm backend lacks. */
import type { Kernel } from '../../kernel-registration.js';
import type { WasmBackend } from '../backend.js';

/** {x [rows…, …], segmentIds int32 [rows…]}, {numSegments} → [numSegments, …]; ids below 0 are dropped. */
export const unsortedSegmentSum: Kernel<WasmBackend> = ({ x, segmentIds }, attrs, backend) => {
  const segments = attrs.numSegments as number;
  const shape = [segments, ...x.shape.slice(segmentIds.shape.length)];
  const out = backend.makeOutput(shape, x.dtype);
  const sums = backend.typedArrayFromHeap(out).fill(0);
  const values = backend.typedArrayFromHeap(x);
  const ids = backend.typedArrayFromHeap(segmentIds);
  const width = shape.slice(1).reduce((product, n) => product * n, 1);
  for (let row = 0; row < ids.length; row++) {
    const id = ids[row];
    if (id < 0 || id >= segments) continue;
    for (let i = 0; i < width; i++) sums[id * width + i] += values[row * width + i];
  }
  return out;
};
