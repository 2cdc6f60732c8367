import type { ImageShape } from '../../protocol/batch.js';
import type { Dataset, Sample } from '../dataset.js';
import { rowsOfSlice, type SampleStack, stackSamples } from '../samples/read-samples.js';
import { type SampleTransform, TransformedDataset } from './transformed.js';

/** What can be done with a dataset besides loading it: looking at some samples, and putting a transform before it. */
export abstract class IndexedDataset implements Dataset {
  abstract readonly length: number;
  abstract readonly classes: readonly string[];
  abstract readonly imageShape: ImageShape;
  abstract readonly labels: Int32Array;
  abstract get(index: number): Promise<Sample>;
  abstract describe(index: number): string;

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
}
