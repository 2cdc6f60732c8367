import { type CollatedValue, defaultCollate } from './default-collate.js';
import { type Features, Value } from './features.js';
import { itemgetter } from './itemgetter.js';
import { isNdArray, type TypedArray } from './nd-array.js';

const types: Readonly<Record<string, new (length: number) => TypedArray>> = {
  uint8: Uint8Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
};

/**
 * A collate function for dictionary rows (miniai's `collate_dict`): the batch of `defaultCollate` as a tuple **in the
 * order of the features**, which so decides what is x and what is y; of one feature the bare value, as `itemgetter`
 * gives it. Numbers get the type their feature names.
 *
 * @param table a table, or its features
 */
export function collateDict(
  table: Features | { readonly features: Features },
): (rows: readonly object[]) => CollatedValue {
  const features = isTable(table) ? table.features : table;
  const inOrder = itemgetter(...Object.keys(features));
  return rows => {
    const batch = defaultCollate(rows) as Readonly<Record<string, CollatedValue>>;
    const typed = Object.entries(batch).map(([name, value]) => [name, asDeclared(value, features[name])]);
    return inOrder(Object.fromEntries(typed)) as CollatedValue;
  };
}

/** A column may be called `features`, but then holds one feature, not a dictionary of them. */
const isTable = (
  table: Features | { readonly features: Features },
): table is { readonly features: Features } =>
  Object.getPrototypeOf(table.features ?? '') === Object.prototype;

function asDeclared(value: CollatedValue, feature: Features[string] | undefined): CollatedValue {
  const Type = feature instanceof Value ? types[feature.dtype] : undefined;
  if (Type === undefined || !isNdArray(value) || value.shape.length !== 1) return value;
  const data = new Type(value.data.length);
  data.set(value.data);
  return { data, shape: value.shape };
}
