/** Makes a batch of a list of rows, after PyTorch's `default_collate`. */
import { DatasetError } from '../../errors.js';
import { elementsOf, isNdArray, isTypedArray, type NdArray, type TypedArray } from './nd-array.js';

export type CollatedValue =
  | NdArray
  | readonly string[]
  | readonly CollatedValue[]
  | { readonly [key: string]: CollatedValue };

/**
 * | of each row | the batch |
 * |---|---|
 * | number | `{ data, shape: [n] }`: int32 where all are whole and fit, else float64 |
 * | boolean | `{ data, shape: [n] }`, uint8 |
 * | typed array, `{ data, shape }` | stacked: `{ data, shape: [n, …] }` of the same type |
 * | string | the list of them |
 * | list | the list of what each place comes to |
 * | dictionary | by key of the **first** row; further keys of later rows are dropped |
 *
 * @throws DatasetError naming row and key where a value is missing, of another kind or shape than in the first row,
 * or of a kind that makes no batch
 */
export function defaultCollate(rows: readonly unknown[]): CollatedValue {
  if (rows.length === 0)
    throw new DatasetError('no rows make no batch', { where: 'collate', hint: 'give at least one row' });
  return collateValues(rows, '');
}

function collateValues(values: readonly unknown[], key: string): CollatedValue {
  const [first] = values;
  if (typeof first === 'number') return numbers(same(values, key, isNumber, 'a number'));
  if (typeof first === 'boolean') {
    const flags = same(values, key, isBoolean, 'a boolean');
    return { data: Uint8Array.from(flags, Number), shape: [values.length] };
  }
  if (typeof first === 'string') return same(values, key, isString, 'a string');
  if (isTypedArray(first)) {
    const arrays = same(values, key, isTypedArray, 'a typed array');
    return stack(
      arrays.map(data => ({ data, shape: [data.length] })),
      key,
    );
  }
  if (isNdArray(first)) return stack(same(values, key, isNdArray, '{ data, shape }'), key);
  if (Array.isArray(first)) return lists(same(values, key, Array.isArray, 'a list'), key);
  if (isDictionary(first)) return dictionaries(same(values, key, isDictionary, 'a dictionary'), key);
  throw misfit(key, 0, `is ${kindOf(first)}, which makes no batch`);
}

const isNumber = (value: unknown): value is number => typeof value === 'number';
const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';
const isString = (value: unknown): value is string => typeof value === 'string';
const isDictionary = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);

function same<T>(
  values: readonly unknown[],
  key: string,
  test: (value: unknown) => value is T,
  kind: string,
): readonly T[] {
  const odd = values.findIndex(value => !test(value));
  if (odd >= 0) throw misfit(key, odd, `is ${kindOf(values[odd])}, in row 0 it is ${kind}`);
  return values as readonly T[];
}

function numbers(values: readonly number[]): NdArray {
  // `| 0` is what JavaScript calls the conversion to an int32.
  const isInt32 = values.every(value => (value | 0) === value);
  return { data: isInt32 ? Int32Array.from(values) : Float64Array.from(values), shape: [values.length] };
}

function stack(arrays: readonly NdArray[], key: string): NdArray {
  const [first] = arrays;
  const size = elementsOf(first.shape);
  for (const [row, { data, shape }] of arrays.entries()) {
    if (shape.join() !== first.shape.join())
      throw misfit(key, row, `has shape [${shape.join(', ')}], in row 0 it is [${first.shape.join(', ')}]`);
    if (data.length !== size)
      throw misfit(key, row, `has ${data.length} elements, its shape [${shape.join(', ')}] says ${size}`);
    if (data.constructor !== first.data.constructor)
      throw misfit(
        key,
        row,
        `is a ${data.constructor.name}, in row 0 it is a ${first.data.constructor.name}`,
      );
  }
  const Type = first.data.constructor as new (length: number) => TypedArray;
  const data = new Type(arrays.length * size);
  for (const [row, array] of arrays.entries()) data.set(array.data, row * size);
  return { data, shape: [arrays.length, ...first.shape] };
}

function lists(values: readonly (readonly unknown[])[], key: string): CollatedValue[] {
  const [{ length }] = values;
  const odd = values.findIndex(value => value.length !== length);
  if (odd >= 0) throw misfit(key, odd, `has ${values[odd].length} items, in row 0 it has ${length}`);
  return Array.from({ length }, (_, place) =>
    collateValues(
      values.map(value => value[place]),
      `${key}[${place}]`,
    ),
  );
}

function dictionaries(
  values: readonly Readonly<Record<string, unknown>>[],
  key: string,
): Record<string, CollatedValue> {
  const entries = Object.keys(values[0]).map((name): [string, CollatedValue] => {
    const path = key === '' ? name : `${key}.${name}`;
    const missing = values.findIndex(value => !(name in value));
    if (missing >= 0) throw misfit(path, missing, 'is missing, row 0 has it');
    return [
      name,
      collateValues(
        values.map(value => value[name]),
        path,
      ),
    ];
  });
  return Object.fromEntries(entries);
}

function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  return `a ${value.constructor?.name ?? 'object'}`;
}

function misfit(key: string, row: number, reason: string): DatasetError {
  const where = key === '' ? `row ${row}` : `${key} of row ${row}`;
  return new DatasetError(`cannot collate: ${where} ${reason}`, {
    where,
    hint: 'bring all rows to one kind and shape in a transform, or give a collate of your own',
  });
}
