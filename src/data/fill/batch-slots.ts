/**
 * A batch slot: one global batch in shared memory. With N the capacity and P the bytes of an image:
 *
 *     byte 0                       L = N·P, rounded up to 4     L + 4N
 *     | pixels uint8 [N, h, w, c]  | labels int32 [N]           | indices uint32 [N] |
 *
 * Decode threads write it, replicas read their shard of it, and nobody copies it in between. A batch of fewer
 * samples than N fills the front of each part.
 */
import { LoaderError } from '../../errors.js';
import type { SlotLayout, SlotRing } from '../../protocol/batch.js';
import { imageBytes } from '../samples/sample-source.js';

export interface SlotViews {
  /** uint8, [size, height, width, channels]. */
  readonly pixels: Uint8Array;
  /** int32 class indices, [size]. */
  readonly labels: Int32Array;
  /** Rows of the dataset, [size]. */
  readonly indices: Uint32Array;
}

/** The parts of a slot, for its first `size` samples; default: for all it can hold. */
export function slotViews(
  buffer: SharedArrayBuffer,
  { capacity, imageShape }: SlotLayout,
  size = capacity,
): SlotViews {
  const bytes = imageBytes(imageShape);
  const labelsAt = Math.ceil((capacity * bytes) / 4) * 4;
  return {
    pixels: new Uint8Array(buffer, 0, size * bytes),
    labels: new Int32Array(buffer, labelsAt, size),
    indices: new Uint32Array(buffer, labelsAt + 4 * capacity, size),
  };
}

/** @throws LoaderError where the machine has no memory for them */
export function createSlots(layout: SlotLayout, count: number): SlotRing {
  const bytes = Math.ceil((layout.capacity * imageBytes(layout.imageShape)) / 4) * 4 + 8 * layout.capacity;
  try {
    return { layout, buffers: Array.from({ length: count }, () => new SharedArrayBuffer(bytes)) };
  } catch (cause) {
    throw new LoaderError(`cannot allocate ${count} batch slots of ${bytes} bytes`, {
      where: `batchSize ${layout.capacity}, images of ${layout.imageShape.join('x')}`,
      hint: 'lower batchSize or prefetch',
      cause,
    });
  }
}
