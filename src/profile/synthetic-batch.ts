import type { Dataset } from '../data/dataset.js';
import { createSlots, slotViews } from '../data/fill/batch-slots.js';
import type { Batch, TransformSpec } from '../protocol/batch.js';
import { Purpose, Random } from '../random.js';

/** A slot of noise with labels of the dataset's classes, as a batch. @throws LoaderError where there is no memory */
export function syntheticBatch(
  { imageShape, classes }: Pick<Dataset, 'imageShape' | 'classes'>,
  size: number,
  transforms: readonly TransformSpec[],
): Batch {
  const ring = createSlots({ capacity: size, imageShape }, 1);
  const views = slotViews(ring.buffers[0], ring.layout);
  const random = new Random({ seed: 0, purpose: Purpose.split });
  const words = new Uint32Array(ring.buffers[0], 0, views.pixels.length >> 2);
  for (let i = 0; i < words.length; i++) words[i] = random.uint32();
  for (let i = 0; i < size; i++) {
    views.labels[i] = random.below(classes.length);
    views.indices[i] = i;
  }
  return { ring, slot: 0, size, epoch: 0, index: 0, transforms, ...views };
}
