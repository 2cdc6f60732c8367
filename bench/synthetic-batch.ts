/** Batches without a dataset, so that what is measured is the step alone. */
import { createSlots, slotViews } from '../src/data/fill/batch-slots.js';
import type { Batch, ImageShape } from '../src/protocol/batch.js';
import { Purpose, Random } from '../src/random.js';

/** Fashion-MNIST's. */
export const imageShape: ImageShape = [28, 28, 1];
export const classes: readonly string[] = Array.from({ length: 10 }, (_, label) => String(label));

/** One slot filled with seeded noise and labels, as a batch. */
export function syntheticBatch(size: number): Batch {
  const ring = createSlots({ capacity: size, imageShape }, 1);
  const views = slotViews(ring.buffers[0], ring.layout);
  const random = new Random({ seed: 1, purpose: Purpose.split });
  for (let i = 0; i < views.pixels.length; i++) views.pixels[i] = random.below(256);
  for (let i = 0; i < size; i++) {
    views.labels[i] = random.below(classes.length);
    views.indices[i] = i;
  }
  return { ring, slot: 0, size, epoch: 0, index: 0, transforms: [], ...views };
}
