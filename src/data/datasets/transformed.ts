import type { ImageShape } from '../../protocol/batch.js';
import { checkRow, type Dataset, type Sample } from '../dataset.js';
import { readSamples } from '../samples/read-samples.js';
import type { SampleContext } from '../samples/sample-context.js';

/** What a transform of samples gets and returns: uint8 pixels [height, width, channels], and a class index. */
export interface ImageSample {
  readonly pixels: Uint8Array;
  readonly label: number;
}

/**
 * May change the pixels it is given, which are read anew each time. What it returns has the dataset's shape and
 * classes.
 *
 * @param context given by a loader: the epoch, and random numbers for this sample
 */
export type SampleTransform = (
  sample: ImageSample,
  context?: SampleContext,
) => ImageSample | Promise<ImageSample>;

/** A dataset with a function between it and whoever reads it, on the calling thread. */
export class TransformedDataset implements Dataset {
  readonly #dataset: Dataset;
  readonly #transform: SampleTransform;

  constructor(dataset: Dataset, transform: SampleTransform) {
    this.#dataset = dataset;
    this.#transform = transform;
  }

  get length(): number {
    return this.#dataset.length;
  }

  get classes(): readonly string[] {
    return this.#dataset.classes;
  }

  get imageShape(): ImageShape {
    return this.#dataset.imageShape;
  }

  /** As stored: what the transform makes of a label is in the samples. */
  get labels(): Int32Array {
    return this.#dataset.labels;
  }

  async get(index: number, context?: SampleContext): Promise<Sample> {
    checkRow(index, this.length);
    const [sample] = await this.getBatch([index], context && [context]);
    return sample;
  }

  /** The samples are read together, then transformed one after the other. */
  async getBatch(
    indices: readonly number[],
    contexts?: readonly SampleContext[],
  ): Promise<readonly Sample[]> {
    const samples: Sample[] = [];
    for (const { pixels, label, index } of await readSamples(this.#dataset, indices, contexts)) {
      const transformed = await this.#transform({ pixels, label }, contexts?.[samples.length]);
      samples.push({ pixels: transformed.pixels, label: transformed.label, index });
    }
    return samples;
  }

  describe(index: number): string {
    return this.#dataset.describe(index);
  }
}

/**
 * A dataset whose samples go through `transform` at every access, on the calling thread; nothing is remembered, so
 * random augmentation differs each time; with numbers of the `context` it is the same in every run. What can be done to a batch is faster on the devices.
 */
export function withTransform(dataset: Dataset, transform: SampleTransform): TransformedDataset {
  return new TransformedDataset(dataset, transform);
}
