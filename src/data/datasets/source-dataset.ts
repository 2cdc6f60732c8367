import type { ImageShape } from '../../protocol/batch.js';
import type { Dataset, Sample } from '../dataset.js';
import { readSamples, rowsOfSlice, type SampleStack, stackSamples } from '../samples/read-samples.js';
import { describeSample, type SampleSource } from '../samples/sample-source.js';
import { type SampleTransform, TransformedDataset } from './transformed.js';

/** A dataset that decode threads can open: everything about it is in its source. */
export class SourceDataset implements Dataset {
  readonly source: SampleSource;
  readonly classes: readonly string[];

  constructor(source: SampleSource, classes: readonly string[]) {
    this.source = source;
    this.classes = classes;
  }

  get length(): number {
    return this.source.labels.length;
  }

  get labels(): Int32Array {
    return this.source.labels;
  }

  get imageShape(): ImageShape {
    return this.source.imageShape;
  }

  /** One sample, opened and closed again: for looking at it. A `DataLoader` is how to read many. */
  async get(index: number): Promise<Sample> {
    const [sample] = await readSamples(this, [index]);
    return sample;
  }

  /** These samples, stacked. @throws RangeError, SampleError */
  at(rows: ArrayLike<number>): Promise<SampleStack> {
    return stackSamples(this, rows);
  }

  /** Samples `start` … `end` − 1, stacked, with the meaning of `Array.prototype.slice`. */
  slice(start?: number, end?: number): Promise<SampleStack> {
    return this.at(rowsOfSlice(this.length, start, end));
  }

  /** This dataset with `transform` between it and whoever reads it, on the calling thread. */
  withTransform(transform: SampleTransform): TransformedDataset {
    return new TransformedDataset(this, transform);
  }

  describe(index: number): string {
    return describeSample(this.source, index);
  }
}
