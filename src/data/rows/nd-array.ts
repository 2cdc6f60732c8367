/** Numbers with a shape: what an image is in a row, and what a batch of rows is collated to. */

export type TypedArray =
  | Uint8Array
  | Uint8ClampedArray
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

export interface NdArray<T extends TypedArray = TypedArray> {
  /** Row-major; as many elements as the shape says. */
  readonly data: T;
  readonly shape: readonly number[];
}

/** An image of a row: uint8, [height, width, channels]. */
export type ImageArray = NdArray<Uint8Array>;

export function isTypedArray(value: unknown): value is TypedArray {
  // BigInts do not mix with numbers, so their arrays are none of ours.
  const { BigInt64Array: int64, BigUint64Array: uint64 } = globalThis;
  return (
    ArrayBuffer.isView(value) &&
    !(value instanceof DataView || value instanceof int64 || value instanceof uint64)
  );
}

export function isNdArray(value: unknown): value is NdArray {
  if (typeof value !== 'object' || value === null) return false;
  const { data, shape } = value as Partial<NdArray>;
  return isTypedArray(data) && Array.isArray(shape);
}

/** Elements of an array of this shape. */
export const elementsOf = (shape: readonly number[]): number =>
  shape.reduce((product, size) => product * size, 1);
