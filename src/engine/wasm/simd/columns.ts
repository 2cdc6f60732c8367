/**
 * Loops over the columns of a matrix [rows, channels]: batch normalisation and bias gradients. A slab of 16 or 4
 * columns is walked down a block of rows that fits the first cache; its sums stay in registers in float32 and are
 * added up in float64 by the caller, block after block.
 */
import {
  advance,
  type Code,
  get,
  type Local,
  repeat,
  set,
  ValueType,
  v128,
  type WasmFunction,
} from './assembler.js';

interface Slab {
  readonly name: string;
  /** Addresses that advance by a row at each turn. */
  readonly streams: number;
  /** Vectors that are constant within a column, read before the loop, from addresses of their own. */
  readonly constants: number;
  /** Sums kept over the rows, stored after the loop at addresses of their own. */
  readonly sums: number;
  /** What is done with one row of four columns. */
  row(at: SlabRow): readonly Code[];
}

interface SlabRow {
  load(stream: number): Code;
  store(stream: number, value: Code): Code;
  constant(index: number): Code;
  addTo(sum: number, value: Code): Code;
}

const slabs: readonly Slab[] = [
  {
    // streams: x; constants: shift; sums: Σ(x − shift), Σ(x − shift)²
    name: 'moments',
    streams: 1,
    constants: 1,
    sums: 2,
    row: ({ load, constant, addTo }) => {
      const deviation = v128.subtract(load(0), constant(0));
      return [addTo(0, deviation), addTo(1, v128.multiply(deviation, deviation))];
    },
  },
  {
    // streams: dy, x; constants: mean; sums: Σdy, Σdy·(x − mean)
    name: 'products',
    streams: 2,
    constants: 1,
    sums: 2,
    row: ({ load, constant, addTo }) => [
      addTo(0, load(0)),
      addTo(1, v128.multiply(load(0), v128.subtract(load(1), constant(0)))),
    ],
  },
  {
    // streams: x; sums: Σx
    name: 'sums',
    streams: 1,
    constants: 0,
    sums: 1,
    row: ({ load, addTo }) => [addTo(0, load(0))],
  },
  {
    // streams: x, y; constants: mean, slope, offset; y = (x − mean)·slope + offset
    name: 'scale',
    streams: 2,
    constants: 3,
    sums: 0,
    row: ({ load, store, constant }) => [
      store(1, v128.add(v128.multiply(v128.subtract(load(0), constant(0)), constant(1)), constant(2))),
    ],
  },
  {
    // streams: dy, x, dx; constants: mean, a, b, d; dx = a·dy + b·(x − mean) + d
    name: 'combine',
    streams: 3,
    constants: 4,
    sums: 0,
    row: ({ load, store, constant }) => {
      const deviation = v128.subtract(load(1), constant(0));
      const products = v128.add(v128.multiply(constant(1), load(0)), v128.multiply(constant(2), deviation));
      return [store(2, v128.add(products, constant(3)))];
    },
  },
];

/** Wider slabs first: a row of 16 floats is a whole cache line. */
const slabVectors = [4, 2, 1] as const;

const nameOf = (slab: string, vectors: number): string => `${slab}_${vectors * 4}`;

function buildSlab({ name, streams, constants, sums, row }: Slab, vectors: number): WasmFunction {
  const rows: Local = 0;
  const step: Local = 1;
  const stream = (i: number): Local => 2 + i;
  const constantAddress = (i: number): Local => 2 + streams + i;
  const sumAddress = (i: number): Local => 2 + streams + constants + i;
  const parameters = 2 + streams + constants + sums;
  const constant = (i: number, v: number): Local => parameters + i * vectors + v;
  const sum = (i: number, v: number): Local => parameters + (constants + i) * vectors + v;
  const each = (count: number, build: (i: number, v: number) => Code): Code[] =>
    Array.from({ length: count * vectors }, (_, n) => build(Math.floor(n / vectors), n % vectors));
  const turn = Array.from({ length: vectors }, (_, v) =>
    row({
      load: i => v128.load(get(stream(i)), 16 * v),
      store: (i, value) => v128.store(get(stream(i)), value, 16 * v),
      constant: i => get(constant(i, v)),
      addTo: (i, value) => set(sum(i, v), v128.add(get(sum(i, v)), value)),
    }).flat(),
  );
  return {
    name: nameOf(name, vectors),
    parameters: new Array<ValueType>(parameters).fill(ValueType.i32),
    locals: new Array<ValueType>((constants + sums) * vectors).fill(ValueType.v128),
    body: [
      ...each(constants, (i, v) => set(constant(i, v), v128.load(get(constantAddress(i)), 16 * v))),
      repeat(rows, [...turn, ...Array.from({ length: streams }, (_, i) => advance(stream(i), get(step)))]),
      ...each(sums, (i, v) => v128.store(get(sumAddress(i)), get(sum(i, v)), 16 * v)),
    ],
  };
}

export const columnFunctions: readonly WasmFunction[] = slabs.flatMap(slab =>
  slabVectors.map(vectors => buildSlab(slab, vectors)),
);

/** Addresses, in the order given at the slab's definition above. */
export interface ColumnWalk {
  readonly streams: readonly number[];
  readonly constants?: readonly number[];
  readonly sums?: readonly number[];
}

export type ColumnLoop = 'moments' | 'products' | 'sums' | 'scale' | 'combine';

/** Runs one loop over `rows` rows of all `channels` columns. `channels` is a multiple of 4. */
export function walkColumns(
  exports: Readonly<Record<string, (...args: number[]) => void>>,
  loop: ColumnLoop,
  rows: number,
  channels: number,
  { streams, constants = [], sums = [] }: ColumnWalk,
): void {
  const addresses = [...streams, ...constants, ...sums];
  for (let column = 0; column < channels; ) {
    const vectors = slabVectors.find(count => count * 4 <= channels - column)!;
    exports[nameOf(loop, vectors)](rows, channels * 4, ...addresses.map(address => address + column * 4));
    column += vectors * 4;
  }
}

/** Rows of a block of `streams` matrices that stay in a first-level cache of 32 KiB. */
export const rowsPerBlock = (channels: number, streams: number): number =>
  Math.max(1, Math.floor((24 * 1024) / (channels * 4 * streams)));
