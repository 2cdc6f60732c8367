/** What a dataset is to everything above it. The loader needs no more than this. */
import { DatasetError } from '../errors.js';
import type { ImageShape } from '../protocol/batch.js';
import type { SampleContext } from './samples/sample-context.js';
import type { SampleSource } from './samples/sample-source.js';

export interface Sample {
  /** uint8, [height, width, channels]. */
  readonly pixels: Uint8Array;
  /** Index into the dataset's `classes`. */
  readonly label: number;
  /** Row of the dataset. */
  readonly index: number;
}

export interface Dataset {
  readonly length: number;
  readonly classes: readonly string[];
  /** Shape of every image of the dataset. */
  readonly imageShape: ImageShape;
  /** int32 class indices, [length]. */
  readonly labels: Int32Array;
  /**
   * @param context given by a loader: the epoch, and random numbers for this sample
   * @throws SampleError where the image cannot be decoded or has another shape
   */
  get(index: number, context?: SampleContext): Promise<Sample>;
  /**
   * Several samples at once, in the order of `indices`. A loader on the calling thread then asks for each batch in
   * one call, where it would otherwise make one of `get` for each sample.
   *
   * @param contexts one for each of them
   */
  getBatch?(indices: readonly number[], contexts?: readonly SampleContext[]): Promise<readonly Sample[]>;
  /** File and row of a sample, as a person would name it: for error messages. */
  describe(index: number): string;
  /**
   * How decode threads open the samples by themselves. A dataset without one works too: the calling thread
   * then asks it for every sample, several at a time.
   */
  readonly source?: SampleSource;
}

/**
 * Samples that come one after the other and have no numbers: a stream, a queue, what another program makes. It may have
 * no end. A `DataLoader` reads it on the calling thread.
 */
export interface IterableDataset extends AsyncIterable<StreamedSample> {
  readonly classes: readonly string[];
  /** Shape of every image of the dataset. */
  readonly imageShape: ImageShape;
  /** In messages. Default `the stream`. */
  readonly name?: string;
  /** Samples of an epoch, where that is known. `samplesPerEpoch` of the loader goes before it. */
  readonly length?: number;
  /** Called with the epoch, from 0, before each iteration: the order may depend on it, and on nothing else. */
  setEpoch?(epoch: number): void;
}

/** As `Sample`; its pixels must stay as they are until the loader has placed them, after its shuffle buffer. */
export interface StreamedSample extends Omit<Sample, 'index'> {
  /** What the sample is called in `Batch.indices`. Default: its place in the stream, from 0. */
  readonly index?: number;
}

/** Whether it is to be iterated, and cannot be asked for a row. */
export function isIterable(dataset: Dataset | IterableDataset): dataset is IterableDataset {
  return !('get' in dataset);
}

/** A training set and the set it is judged on; same classes, same image shape. */
export interface DatasetPair {
  readonly train: Dataset;
  readonly valid: Dataset;
}

/** int32 in shared memory, so that decode threads read the labels without a copy each. */
export function sharedLabels(labels: ArrayLike<number>): Int32Array {
  const shared = new Int32Array(new SharedArrayBuffer(labels.length * Int32Array.BYTES_PER_ELEMENT));
  shared.set(labels);
  return shared;
}

/** @throws DatasetError naming the first row whose label is no index into `classes` */
export function checkLabels(
  labels: Int32Array,
  classes: readonly string[],
  describe: (index: number) => string,
): void {
  const bad = labels.findIndex(label => label < 0 || label >= classes.length);
  if (bad < 0) return;
  throw new DatasetError(`label ${labels[bad]} of ${describe(bad)} is outside 0 … ${classes.length - 1}`, {
    where: describe(bad),
    hint: `the dataset has ${classes.length} classes: correct the label or name all the classes`,
  });
}

/** @throws RangeError where `index` is no row of the dataset */
export function checkRow(index: number, length: number): void {
  if (Number.isInteger(index) && index >= 0 && index < length) return;
  throw new RangeError(`row ${index} is outside 0 … ${length - 1}`);
}
