/** Samples of a dataset of the user's own, on the calling thread. */
import { SampleError } from '../../errors.js';
import type { Dataset, Sample, StreamedSample } from '../dataset.js';
import { type EpochDraws, SampleContext } from './sample-context.js';
import type { SampleReader } from './sample-reader.js';

/** What messages about a sample need. */
export type Described = Pick<Dataset, 'classes' | 'describe'>;

/** Asks a dataset without a source for its samples, one `get` each. */
export function datasetReader(dataset: Dataset, draws: EpochDraws): SampleReader {
  const read = async (index: number, target: Uint8Array, position = 0): Promise<number> => {
    let sample: Sample;
    try {
      sample = await dataset.get(index, new SampleContext(draws, position));
    } catch (error) {
      throw error instanceof SampleError ? error : unusable(dataset, index, (error as Error).message, error);
    }
    return placeSample(dataset, index, sample, target);
  };
  return { read, close: () => undefined };
}

/**
 * Writes a sample of a dataset of the user's own where it belongs, and returns its label.
 *
 * @throws SampleError where it has another size or its label is no class
 */
export function placeSample(
  dataset: Described,
  index: number,
  { pixels, label }: StreamedSample,
  target: Uint8Array,
): number {
  if (pixels.length !== target.length) {
    throw unusable(
      dataset,
      index,
      `it has ${pixels.length} bytes, an image of the dataset has ${target.length}`,
    );
  }
  if (!Number.isInteger(label) || label < 0 || label >= dataset.classes.length) {
    throw unusable(dataset, index, `its label is ${label}, outside 0 … ${dataset.classes.length - 1}`);
  }
  target.set(pixels);
  return label;
}

/** The error about a sample that a dataset of the user's own gave, or failed to give. */
export function unusable(dataset: Described, index: number, reason: string, cause?: unknown): SampleError {
  return new SampleError(`cannot use ${dataset.describe(index)}: ${reason}`, {
    where: dataset.describe(index),
    hint: 'correct the samples that the dataset gives',
    cause,
  });
}
