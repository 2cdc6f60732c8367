import { DatasetError } from '../../errors.js';
import type { ImageShape } from '../../protocol/batch.js';
import { checkLabels, sharedLabels } from '../dataset.js';
import { imageBytes } from '../samples/sample-source.js';
import { SourceDataset } from './source-dataset.js';

export interface ArrayDatasetOptions {
  /** uint8, [count, height, width, channels]. Shared memory is used as it is, other memory copied. */
  readonly pixels: Uint8Array;
  /** Class indices, [count]. */
  readonly labels: ArrayLike<number>;
  readonly imageShape: ImageShape;
  readonly classes: readonly string[];
  /** In messages. Default `images in memory`. */
  readonly name?: string;
}

/** Images and labels that are in memory already. */
export class ArrayDataset extends SourceDataset {
  /** @throws DatasetError where pixels, labels and shape do not belong together, or a label is no class */
  static from({
    pixels,
    labels,
    imageShape,
    classes,
    name = 'images in memory',
  }: ArrayDatasetOptions): ArrayDataset {
    if (pixels.length !== labels.length * imageBytes(imageShape))
      throw new DatasetError(
        `${pixels.length} bytes are not ${labels.length} images of ${imageShape.join('x')}, one a label`,
        { where: name, hint: `give ${imageBytes(imageShape)} bytes and one label for each image` },
      );
    const shared = sharedLabels(labels);
    checkLabels(shared, classes, row => `row ${row} of ${name}`);
    const storage = { kind: 'raw', file: name, pixels: inSharedMemory(pixels) } as const;
    return new ArrayDataset({ name, storage, imageShape, labels: shared }, classes);
  }
}

/** Decode threads see the same memory, not a copy each. */
function inSharedMemory(pixels: Uint8Array): Uint8Array {
  if (pixels.buffer instanceof SharedArrayBuffer) return pixels;
  const shared = new Uint8Array(new SharedArrayBuffer(pixels.length));
  shared.set(pixels);
  return shared;
}
