import type { ImageShape } from '../../protocol/batch.js';
import type { Sample } from '../dataset.js';
import { readSamples } from '../samples/read-samples.js';
import { describeSample, type SampleSource } from '../samples/sample-source.js';
import { IndexedDataset } from './indexed-dataset.js';

/** A dataset that decode threads can open: everything about it is in its source. */
export class SourceDataset extends IndexedDataset {
  readonly source: SampleSource;
  readonly classes: readonly string[];

  constructor(source: SampleSource, classes: readonly string[]) {
    super();
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

  describe(index: number): string {
    return describeSample(this.source, index);
  }
}
