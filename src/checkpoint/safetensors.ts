/**
 * Tensors in a file, as huggingface/safetensors lays them out:
 *
 *     byte 0              8                              A = 8 + N
 *     | N, uint64         | N bytes of JSON, utf-8       | values, little-endian, row-major, without holes |
 *
 *     JSON: { "name": { "dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end] }, "__metadata__": { … } }
 *
 * Offsets count from A. The JSON is padded with spaces so that A is a multiple of 8, and wide types come first:
 * every tensor can then be a view of the file's bytes. Reading runs no code, and believes nothing it has not checked.
 */
import { CheckpointError } from '../errors.js';

/** Types by their name in the file. Half floats come as their bits. */
const arrays = {
  F64: Float64Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  F32: Float32Array,
  I32: Int32Array,
  U32: Uint32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I16: Int16Array,
  U16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

export type TensorType = keyof typeof arrays;
/** Of any buffer: what is written may lie in shared memory. */
export type TensorValues =
  | Float64Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

export interface StoredTensor {
  readonly dtype: TensorType;
  readonly shape: readonly number[];
  readonly data: TensorValues;
}

export interface TensorFile {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Longest header read: that of the reference implementation. */
const longestHeader = 100_000_000;

export const float32Tensor = (data: Float32Array, shape: readonly number[]): StoredTensor => ({
  dtype: 'F32',
  shape,
  data,
});

/**
 * A file's bytes, in parts that need not be copied together.
 *
 * @throws CheckpointError when a tensor's values do not fill its shape
 */
export function encodeTensors({ tensors, metadata }: TensorFile): Uint8Array[] {
  const widthOf = ({ dtype }: StoredTensor): number => arrays[dtype].BYTES_PER_ELEMENT;
  const sorted = [...tensors].sort(([, a], [, b]) => widthOf(b) - widthOf(a));
  const header: [string, unknown][] = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : [];
  let end = 0;
  for (const [name, tensor] of sorted) {
    const { dtype, shape, data } = tensor;
    const size = shape.reduce((product, dimension) => product * dimension, 1);
    if (data.length !== size || data.BYTES_PER_ELEMENT !== widthOf(tensor) || name === '__metadata__')
      throw new CheckpointError(
        `tensor ${name} has ${data.length} values; ${dtype} [${shape.join(', ')}] needs ${size}`,
        { where: `tensor ${name}` },
      );
    header.push([name, { dtype, shape, data_offsets: [end, end + data.byteLength] }]);
    end += data.byteLength;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const length = Math.ceil(json.length / 8) * 8;
  const front = Buffer.alloc(8 + length, ' ');
  front.writeBigUInt64LE(BigInt(length));
  json.copy(front, 8);
  const bytes = sorted.map(([, { data }]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return [front, ...bytes];
}

/**
 * The tensors in a file's bytes, as views of them wherever they lie on a multiple of their width.
 *
 * @param where what to name in an error, such as the file's path
 * @throws CheckpointError naming the tensor and what is wrong with it
 */
export function decodeTensors(bytes: Uint8Array, where: string): TensorFile {
  const refuse = (message: string): never => {
    throw new CheckpointError(`this is no sound safetensors file: ${message}`, {
      where,
      hint: 'it may be cut off, or something else: use another copy of it, or an earlier checkpoint',
    });
  };
  const { entries, metadata, start } = readHeader(bytes, refuse);
  const tensors = new Map<string, StoredTensor>();
  let end = 0;
  for (const entry of entries) {
    const { name, dtype, shape, begin } = entry;
    const bad = (problem: string): never => refuse(`tensor ${JSON.stringify(name)} ${problem}`);
    // In order of their offsets, so that an overlap or a hole shows as a wrong beginning.
    if (begin < end) bad(`begins at ${begin}, inside another one, which ends at ${end}`);
    if (begin > end) bad(`begins at ${begin}, with a hole after ${end}`);
    if (entry.end > bytes.length - start)
      bad(`ends at ${entry.end}, but there are only ${bytes.length - start} bytes`);
    const size = shape.reduce((product, dimension) => product * dimension, 1);
    const width = arrays[dtype].BYTES_PER_ELEMENT;
    if (entry.end - begin !== size * width)
      bad(`has ${entry.end - begin} bytes; ${dtype} [${shape.join(', ')}] needs ${size * width}`);
    tensors.set(name, { dtype, shape, data: view(bytes, start + begin, size, dtype) });
    end = entry.end;
  }
  if (start + end !== bytes.length) refuse(`${bytes.length - start - end} bytes belong to no tensor`);
  return { tensors, metadata };
}

interface Entry {
  readonly name: string;
  readonly dtype: TensorType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

type Refuse = (message: string) => never;

function readHeader(
  bytes: Uint8Array,
  refuse: Refuse,
): { entries: Entry[]; metadata: Record<string, string>; start: number } {
  if (bytes.length < 8) refuse(`it has ${bytes.length} bytes, fewer than the 8 of its length field`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > longestHeader || Number(length) > bytes.length - 8)
    refuse(`its header should have ${length} bytes, of ${bytes.length - 8} at most`);
  const start = 8 + Number(length);
  const header = parseObject(bytes.subarray(8, start), refuse);
  const { __metadata__: metadata = {}, ...named } = header;
  if (!isRecord(metadata) || !Object.values(metadata).every(value => typeof value === 'string'))
    return refuse('__metadata__ is not an object of strings');
  const entries = Object.entries(named).map(([name, value]) => entryOf(name, value, refuse));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  return { entries, metadata: metadata as Record<string, string>, start };
}

function parseObject(json: Uint8Array, refuse: Refuse): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch {
    return refuse('its header is no JSON');
  }
  return isRecord(value) ? value : refuse('its header is no JSON object');
}

function entryOf(name: string, value: unknown, refuse: Refuse): Entry {
  const bad = (problem: string): never => refuse(`tensor ${JSON.stringify(name)} ${problem}`);
  if (!isRecord(value)) return bad('is described by no object');
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(arrays, dtype))
    return bad(`has the type ${JSON.stringify(dtype)}, which is not known`);
  if (!isSizes(shape)) return bad(`has the shape ${JSON.stringify(shape)}`);
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1])
    return bad(`has the offsets ${JSON.stringify(offsets)}`);
  return { name, dtype: dtype as TensorType, shape, begin: offsets[0], end: offsets[1] };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every(one => Number.isSafeInteger(one) && one >= 0);

function view(bytes: Uint8Array, at: number, size: number, dtype: TensorType): TensorValues {
  const Values = arrays[dtype];
  const width = Values.BYTES_PER_ELEMENT;
  const offset = bytes.byteOffset + at;
  if (offset % width === 0) return new Values(bytes.buffer as ArrayBuffer, offset, size);
  // Not by `slice`, which a Buffer answers with a view.
  return new Values(new Uint8Array(bytes.subarray(at, at + size * width)).buffer);
}

/**
 * Memory for a file of `size` bytes whose header has `length` bytes, so that its values begin at a multiple of 8
 * whoever wrote it.
 */
export function alignedBytes(size: number, length: number): Uint8Array {
  const shift = (8 - (length % 8)) % 8;
  return new Uint8Array(new ArrayBuffer(size + shift), shift, size);
}
