import type { ImageShape } from '../protocol/batch.js';
import { checkRow, type Dataset, type Sample } from './dataset.js';
import { openReader } from './sample-reader.js';
import { describeSample, imageBytes, type SampleSource } from './sample-source.js';

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
    checkRow(index, this.length);
    const reader = await openReader(this.source);
    try {
      const pixels = new Uint8Array(imageBytes(this.imageShape));
      return { pixels, label: await reader.read(index, pixels), index };
    } finally {
      reader.close();
    }
  }

  describe(index: number): string {
    return describeSample(this.source, index);
  }
}
