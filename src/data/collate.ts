import { LoaderError } from '../errors.js';
import type { Sample } from './dataset.js';

/** The pixels and labels of a batch: uint8 [size, height, width, channels], int32 [size]. */
export interface Collated {
  readonly pixels: Uint8Array;
  readonly labels: Int32Array;
}

/**
 * Makes a batch of samples. With one of the user's own, the samples are views of the batch's slot, on the
 * coordinator's thread, and what it returns, of the same size, is what the slot holds afterwards.
 */
export type Collate = (samples: readonly Sample[]) => Collated;

/**
 * Stacks pixels and labels. A `DataLoader` without a `collate` gives the same batch and never calls this: its
 * decoders write every sample where it belongs in the stack.
 */
export const collate: Collate = samples => {
  const bytes = samples.reduce((sum, { pixels }) => sum + pixels.length, 0);
  const pixels = new Uint8Array(bytes);
  let at = 0;
  for (const sample of samples) {
    pixels.set(sample.pixels, at);
    at += sample.pixels.length;
  }
  return { pixels, labels: Int32Array.from(samples, ({ label }) => label) };
};

/** Runs a user's collate over the views of a slot and puts its result there. @throws LoaderError on a wrong size */
export function collateInPlace(
  collateBatch: Collate,
  views: Collated & { readonly indices: Uint32Array },
): void {
  const { pixels, labels, indices } = views;
  const bytes = pixels.length / indices.length;
  const samples = Array.from(indices, (index, i) => ({
    pixels: pixels.subarray(i * bytes, (i + 1) * bytes),
    label: labels[i],
    index,
  }));
  const result = collateBatch(samples);
  expectLength('pixels', result?.pixels, pixels.length);
  expectLength('labels', result?.labels, labels.length);
  pixels.set(result.pixels);
  labels.set(result.labels);
}

function expectLength(name: string, values: ArrayLike<number> | undefined, expected: number): void {
  if (values?.length === expected) return;
  throw new LoaderError(`collate returned ${values?.length ?? 'no'} ${name}, the batch has ${expected}`, {
    where: 'collate',
    hint: 'return { pixels: Uint8Array, labels: Int32Array } with as many samples of the same shape as it was given',
  });
}
