/** Where the values of a column come from. */
import type { Dataset } from '../dataset.js';
import { readSamples } from '../samples/read-samples.js';
import { type Feature, Image, Value } from './features.js';
import { isNdArray } from './nd-array.js';

/** A column that is read when it is wanted. */
export interface Column {
  readonly length: number;
  /** Values of these rows, in this order; the caller may change them without changing the column. */
  read(rows: readonly number[]): readonly unknown[] | Promise<readonly unknown[]>;
  /** The dataset whose images, row by row, these are: decode threads can then read them by themselves. */
  readonly dataset?: Dataset;
}

/** Values in memory. */
export function arrayColumn(values: ArrayLike<unknown>): Column {
  return { length: values.length, read: rows => rows.map(row => copied(values[row])) };
}

/** The images of a dataset, each `{ data, shape }`. */
export function imageColumn(dataset: Dataset): Column {
  const shape = [...dataset.imageShape];
  const read = async (rows: readonly number[]): Promise<unknown[]> =>
    (await readSamples(dataset, rows)).map(({ pixels }) => ({ data: pixels, shape }));
  return { length: dataset.length, dataset, read };
}

/** What a column of values in memory holds, by its first value. */
export function inferFeature(values: ArrayLike<unknown>): Feature {
  const first = values[0];
  if (isNdArray(first) && first.data instanceof Uint8Array && first.shape.length > 1) return new Image();
  if (typeof first === 'number') return new Value(isWhole(values) ? 'int64' : 'float64');
  if (typeof first === 'boolean') return new Value('bool');
  if (typeof first === 'string') return new Value('string');
  return new Value('object');
}

function isWhole(values: ArrayLike<unknown>): boolean {
  for (let row = 0; row < values.length; row++) if (!Number.isInteger(values[row])) return false;
  return true;
}

/** Pixels are what transforms write over in place: those stored must not change by it. */
function copied(value: unknown): unknown {
  if (isNdArray(value)) return { ...value, data: value.data.slice(), shape: [...value.shape] };
  if (value instanceof Uint8Array || value instanceof Float32Array) return value.slice();
  return value;
}
