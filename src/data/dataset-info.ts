import type { ImageShape } from '../protocol/batch.js';
import type { DatasetPair } from './dataset.js';
import { type OpenDataOptions, type OpenedData, openData } from './open-dataset.js';
import { ClassLabel, type Features, Image } from './rows/features.js';
import { imageBytes } from './samples/sample-source.js';

export interface SplitInfo {
  readonly name: string;
  readonly numExamples: number;
  /** Of the decoded pixels. */
  readonly numBytes: number;
}

/** What a dataset is, without a sample of it. */
export interface DatasetInfo {
  readonly name: string;
  /** One line for people. */
  readonly description: string;
  /** `image` and `label`, as the rows of `rowsOf` have them. */
  readonly features: Features;
  readonly imageShape: ImageShape;
  readonly splits: Readonly<Record<keyof DatasetPair, SplitInfo>>;
}

/**
 * Describes what `openData` opens, or has opened, after Hugging Face's `load_dataset_builder(name).info`. No image is
 * decoded for it.
 *
 * @throws DatasetError, ConfigError as `openData`
 */
export async function datasetInfo(
  data: string | OpenedData,
  options: OpenDataOptions = {},
): Promise<DatasetInfo> {
  const { name, train, valid } = typeof data === 'string' ? await openData(data, options) : data;
  const { imageShape, classes } = train;
  const split = (name: keyof DatasetPair, numExamples: number): SplitInfo => ({
    name,
    numExamples,
    numBytes: numExamples * imageBytes(imageShape),
  });
  return {
    name,
    description: `${name}: ${train.length} and ${valid.length} images of ${imageShape.join('x')}, ${classes.length} classes`,
    features: { image: new Image(imageShape), label: new ClassLabel(classes) },
    imageShape,
    splits: { train: split('train', train.length), valid: split('valid', valid.length) },
  };
}
