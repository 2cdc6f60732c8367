/** The way from dictionary rows to training: a table as a dataset of images and labels. */
import { DatasetError, SampleError } from '../../errors.js';
import type { ImageShape } from '../../protocol/batch.js';
import { checkRow, type Dataset, type Sample, sharedLabels } from '../dataset.js';
import { Subset } from '../datasets/subset.js';
import { ClassLabel, type Feature, Image } from './features.js';
import { isNdArray } from './nd-array.js';
import type { Rows } from './rows.js';

export interface ImagesOfOptions {
  /** Column of the images. Default: the first that holds images. */
  readonly image?: string;
  /** Column of the labels, a `ClassLabel`. Default: the first there is. */
  readonly label?: string;
}

/**
 * A dataset for a `DataLoader` of a table: images uint8 [height, width] or [height, width, channels], all of one
 * shape, and class indices. A transform of the table is called once for each batch, on the calling thread; it may
 * change images and labels. Without one, images that decode threads can read by themselves are left to them.
 *
 * @throws DatasetError where a column is missing or of another kind, or the table is empty; a SampleError naming the
 * row where an image is not what it should be, here for the first row, in a loader for each
 */
export async function imagesOf<Out extends object, Stored extends object>(
  rows: Rows<Out, Stored>,
  options: ImagesOfOptions = {},
): Promise<Dataset> {
  if (rows.length === 0) throw new DatasetError('the table has no rows', { where: 'imagesOf' });
  const image = options.image ?? nameOf(rows, Image, 'image');
  const label = options.label ?? nameOf(rows, ClassLabel, 'label');
  const feature: Feature | undefined = rows.features[label];
  if (!(feature instanceof ClassLabel))
    throw new DatasetError(`column ${label} holds no classes`, {
      where: label,
      hint: 'give its feature when the table is made: { label: new ClassLabel(names) }',
    });
  const labels = await labelsOf(rows, label);
  const { dataset } = rows.storedColumn(image);
  if (!rows.hasTransform && dataset !== undefined) {
    const indices = Array.from({ length: rows.length }, (_, index) => rows.storedRow(index));
    // Only where the table's labels are the dataset's own: the threads read those.
    if (indices.every((row, index) => dataset.labels[row] === labels[index]))
      return new Subset(dataset, indices);
  }
  const [first] = await rows.getRows([0]);
  const imageShape = shapeOf(first, image, 0);
  return new RowImages(rows, { image, label, imageShape, labels, classes: feature.names });
}

/** @throws DatasetError naming the first row whose label is no whole number */
async function labelsOf<Out extends object, Stored extends object>(
  rows: Rows<Out, Stored>,
  column: string,
): Promise<Int32Array> {
  const values: readonly unknown[] = await rows.column(column as keyof Stored & string);
  const bad = values.findIndex(value => !Number.isInteger(value));
  if (bad < 0) return sharedLabels(values as number[]);
  throw new DatasetError(`${column} of row ${bad} is ${String(values[bad])}`, {
    where: `${column} of row ${bad}`,
    hint: 'classes are stored as their indices: ClassLabel.str2int makes them of names',
  });
}

interface RowImagesSettings extends Required<ImagesOfOptions> {
  readonly imageShape: ImageShape;
  readonly labels: Int32Array;
  readonly classes: readonly string[];
}

class RowImages<Out extends object, Stored extends object> implements Dataset {
  readonly imageShape: ImageShape;
  readonly labels: Int32Array;
  readonly classes: readonly string[];
  readonly #rows: Rows<Out, Stored>;
  readonly #image: string;
  readonly #label: string;

  constructor(rows: Rows<Out, Stored>, { image, label, ...rest }: RowImagesSettings) {
    this.#rows = rows;
    this.#image = image;
    this.#label = label;
    this.imageShape = rest.imageShape;
    this.labels = rest.labels;
    this.classes = rest.classes;
  }

  get length(): number {
    return this.#rows.length;
  }

  async get(index: number): Promise<Sample> {
    checkRow(index, this.length);
    const [sample] = await this.getBatch([index]);
    return sample;
  }

  async getBatch(indices: readonly number[]): Promise<Sample[]> {
    const rows: Record<string, unknown>[] = (await this.#rows.getRows(indices)) as Record<string, unknown>[];
    return rows.map((row, i) => {
      const index = indices[i];
      const shape = shapeOf(row, this.#image, index);
      if (shape.join() !== this.imageShape.join())
        throw misfit(
          this.#image,
          index,
          `has shape ${shape.join('x')}, the first ${this.imageShape.join('x')}`,
        );
      const { data } = row[this.#image] as { data: Uint8Array };
      const label = this.#label in row ? row[this.#label] : this.labels[index];
      return { pixels: data, label: label as number, index };
    });
  }

  describe(index: number): string {
    return `row ${index} of the table`;
  }
}

/** Shape of the image of a row. @throws SampleError where it is no image */
function shapeOf(row: object, column: string, index: number): ImageShape {
  const image = (row as Record<string, unknown>)[column];
  if (!isNdArray(image))
    throw misfit(column, index, image === undefined ? 'is missing' : 'is not { data, shape }');
  const [height, width, channels = 1, ...more] = image.shape;
  if (!(image.data instanceof Uint8Array))
    throw misfit(column, index, `is a ${image.data.constructor.name}, not a Uint8Array`);
  if (more.length > 0 || !(channels >= 1) || image.data.length !== height * width * channels)
    throw misfit(column, index, `has ${image.data.length} elements and shape [${image.shape.join(', ')}]`);
  return [height, width, channels];
}

function misfit(column: string, index: number, reason: string): SampleError {
  return new SampleError(`cannot use ${column} of row ${index}: it ${reason}`, {
    where: `${column} of row ${index}`,
    hint: 'images are { data: Uint8Array, shape: [height, width, channels] }, all of one shape; numbers are made of them on the devices: normalize()',
  });
}

function nameOf<Out extends object, Stored extends object>(
  { features }: Rows<Out, Stored>,
  Kind: typeof Image | typeof ClassLabel,
  what: keyof ImagesOfOptions,
): string {
  const [name] = Object.entries(features).find(([, feature]) => feature instanceof Kind) ?? [];
  if (name !== undefined) return name;
  throw new DatasetError(`no column of ${Object.keys(features).join(', ')} holds ${Kind.name} values`, {
    where: what,
    hint: `name it, ${what}: '…', and give its feature when the table is made`,
  });
}
