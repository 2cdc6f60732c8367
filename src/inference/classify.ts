import { MetricsCB } from '../callbacks/metrics.js';
import { DataLoader } from '../data/data-loader.js';
import { ArrayDataset } from '../data/datasets/array-dataset.js';
import { isNdArray, type NdArray } from '../data/rows/nd-array.js';
import { imageBytes } from '../data/samples/sample-source.js';
import { AbortedError, ConfigError } from '../errors.js';
import { addMethods } from '../learner/extend.js';
import type { Learner } from '../learner/learner.js';
import type { ImageShape } from '../protocol/batch.js';
import { predictedClasses } from './captured-preds.js';
import './get-preds.js';

/** An image: uint8 pixels [height, width, channels], with their shape, or as a sample or row of a dataset. */
export type ImageInput =
  | Uint8Array
  | NdArray<Uint8Array>
  | { readonly pixels: Uint8Array }
  | { readonly image: NdArray<Uint8Array> };

/** What the model says about one image. */
export interface Prediction {
  /** Index of the class. */
  readonly label: number;
  /** Its name. */
  readonly className: string;
  /** Of the class. */
  readonly probability: number;
  /** Of all classes, float32 [classes]. */
  readonly probabilities: Float32Array;
}

export interface ClassifyOptions {
  /** Shape of the images and names of the classes. Default: those of the validation loader's dataset. */
  readonly imageShape?: ImageShape;
  readonly classes?: readonly string[];
}

declare module '../learner/learner.js' {
  interface Learner {
    /**
     * What the model makes of one image, or of several, divided among the replicas. They are loaded and transformed
     * as validation images are. (`predict` is taken: it is the first of the five steps.)
     *
     * @throws ConfigError where an image has another size than the model's, LearnerError where the model gives no
     * class scores, AbortedError where it was ended early
     */
    classify(image: ImageInput, options?: ClassifyOptions): Promise<Prediction>;
    classify(images: readonly ImageInput[], options?: ClassifyOptions): Promise<Prediction[]>;
  }
}

async function classify(
  this: Learner,
  input: ImageInput | readonly ImageInput[],
  options: ClassifyOptions = {},
): Promise<Prediction | Prediction[]> {
  const inputs = Array.isArray(input) ? (input as readonly ImageInput[]) : [input as ImageInput];
  if (inputs.length === 0) return [];
  const known = this.dls.valid instanceof DataLoader ? this.dls.valid.dataset : undefined;
  const { imageShape = known?.imageShape, classes = known?.classes } = options;
  if (imageShape === undefined || classes === undefined)
    throw new ConfigError('the shape of the images and the names of the classes are not known.', {
      where: 'classify',
      hint: 'give imageShape and classes where the validation loader is none of gradring',
    });
  const dataset = ArrayDataset.from({
    pixels: stack(inputs, imageShape),
    // What the images are is the question: the loss for these labels is looked at by nobody.
    labels: new Int32Array(inputs.length),
    imageShape,
    classes,
  });
  const loader = loaderOf(this, dataset);
  const all = this.cbs;
  // Without labels there is nothing to measure, and a metric such as ConfusionMatrix keeps what it measured last.
  this.cbs = all.filter(callback => !(callback instanceof MetricsCB));
  try {
    const { preds } = await this.getPreds({ loader, activation: 'softmax' });
    if (preds.shape[0] !== inputs.length)
      throw new AbortedError('the classification was ended early', {
        where: 'classify',
        hint: "the learner's signal was aborted, or one of its callbacks raised a cancel",
      });
    const found = Array.from(predictedClasses(preds), (label, sample): Prediction => {
      const width = preds.shape[1];
      const probabilities = preds.data.slice(sample * width, (sample + 1) * width);
      return { label, className: classes[label], probability: probabilities[label], probabilities };
    });
    return Array.isArray(input) ? found : found[0];
  } finally {
    this.cbs = all;
    await loader.close();
  }
}

/** On the calling thread: a few images that are in memory need no thread to copy them. */
function loaderOf({ dls }: Learner, dataset: ArrayDataset): DataLoader {
  const options = { numWorkers: 0 };
  return dls.valid instanceof DataLoader
    ? dls.valid.testLoader(dataset, options)
    : new DataLoader(dataset, { ...options, batchSize: dataset.length });
}

/** uint8 [count, height, width, channels]. @throws ConfigError where an image has another size */
function stack(inputs: readonly ImageInput[], imageShape: ImageShape): Uint8Array {
  const bytes = imageBytes(imageShape);
  const pixels = new Uint8Array(inputs.length * bytes);
  for (const [i, input] of inputs.entries()) {
    const { data, shape } = pixelsOf(input);
    if (!(data instanceof Uint8Array) || data.length !== bytes || (shape && !fits(shape, imageShape)))
      throw new ConfigError(
        `image ${i} is ${shape?.join('x') ?? `${data?.length} bytes`}, the model takes ${imageShape.join('x')}.`,
        { where: 'classify', hint: 'give uint8 pixels of that shape, channels last' },
      );
    pixels.set(data, i * bytes);
  }
  return pixels;
}

function pixelsOf(input: ImageInput): { data: Uint8Array; shape?: readonly number[] } {
  if (input instanceof Uint8Array) return { data: input };
  if ('image' in input) return input.image;
  return isNdArray(input) ? input : { data: input.pixels };
}

/** A grey image may leave its one channel out. */
const fits = (shape: readonly number[], [height, width, channels]: ImageShape): boolean =>
  shape[0] === height && shape[1] === width && (shape[2] ?? 1) === channels && shape.length <= 3;

addMethods({ classify });
