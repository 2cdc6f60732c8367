import type { Dataset } from '../dataset.js';
import { imageColumn } from './column.js';
import { ClassLabel, Image } from './features.js';
import type { ImageArray } from './nd-array.js';
import { Rows } from './rows.js';

/** A row of an image dataset. */
export interface ImageRow {
  readonly image: ImageArray;
  /** Index of the class. */
  readonly label: number;
}

/** An image dataset as a table of `image` and `label`. Images are read when they are wanted. */
export function rowsOf(dataset: Dataset): Rows<ImageRow> {
  return Rows.from<ImageRow>(
    { image: imageColumn(dataset), label: dataset.labels },
    { image: new Image(dataset.imageShape), label: new ClassLabel(dataset.classes) },
  );
}
