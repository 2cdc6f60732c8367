/** Samples by number outside of a loader: for looking at some, and for datasets made of others. */
import { type Collated, collate } from '../collate.js';
import { checkRow, type Dataset, type Sample } from '../dataset.js';
import type { SampleContext } from './sample-context.js';
import { openReader } from './sample-reader.js';
import { imageBytes } from './sample-source.js';

/** Samples decoded at a time: enough for all of libuv's threads, few enough to cost little memory. */
const TOGETHER = 32;

/** Several samples stacked: pixels uint8 [size, height, width, channels], labels int32 [size]. */
export interface SampleStack extends Collated {
  /** Rows of the dataset, uint32 [size]. */
  readonly indices: Uint32Array;
  readonly shape: readonly number[];
}

/**
 * Samples of these rows, in this order, each with pixels of its own.
 *
 * @param contexts for a dataset of the user's own, one for each row
 * @throws RangeError where a row is not in the dataset, SampleError where one cannot be decoded
 */
export async function readSamples(
  dataset: Dataset,
  rows: ArrayLike<number>,
  contexts?: readonly SampleContext[],
): Promise<readonly Sample[]> {
  const indices = Array.from(rows);
  for (const index of indices) checkRow(index, dataset.length);
  const { source, imageShape } = dataset;
  if (source === undefined) {
    const single = (): Promise<Sample[]> =>
      Promise.all(indices.map((index, i) => dataset.get(index, contexts?.[i])));
    return dataset.getBatch?.(indices, contexts) ?? single();
  }
  const reader = openReader(source);
  const read = async (index: number): Promise<Sample> => {
    const pixels = new Uint8Array(imageBytes(imageShape));
    return { pixels, label: await reader.read(index, pixels), index };
  };
  const samples: Sample[] = [];
  try {
    for (let first = 0; first < indices.length; first += TOGETHER) {
      // Settled, not all: the reader may be closed only when nothing reads any more.
      const results = await Promise.allSettled(indices.slice(first, first + TOGETHER).map(read));
      for (const result of results) {
        if (result.status === 'rejected') throw result.reason;
        samples.push(result.value);
      }
    }
  } finally {
    reader.close();
  }
  return samples;
}

/** As `readSamples`, stacked. */
export async function stackSamples(dataset: Dataset, rows: ArrayLike<number>): Promise<SampleStack> {
  const samples = await readSamples(dataset, rows);
  const shape = [samples.length, ...dataset.imageShape];
  return { ...collate(samples), indices: Uint32Array.from(rows), shape };
}

/** Rows `start` … `end` − 1 with the meaning of `Array.prototype.slice`: negative ones count from the end. */
export function rowsOfSlice(length: number, start = 0, end = length): number[] {
  const bound = (at: number): number => (at < 0 ? Math.max(length + at, 0) : Math.min(at, length));
  const [first, last] = [bound(start), bound(end)];
  return Array.from({ length: Math.max(last - first, 0) }, (_, i) => first + i);
}
