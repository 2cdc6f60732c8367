/**
 * The inner loop of every weight gradient: out[r][k] += Σ over pixels x[pixel][r] · dy[pixel][k].
 *
 * A tile of 4 rows × 8 columns of `out` stays in registers while the loop runs over all pixels of a block of
 * samples, so x and dy are read where they lie, without patches or transposes:
 *
 *            dy: 8 columns, contiguous            for each pixel: 2 loads of dy, 4 of x (one value in all
 *          ┌────┬────┐                            lanes), 8 multiplications, 8 additions
 *   x: 4 ▪ │ ▒▒ │ ▒▒ │
 *   rows ▪ │ ▒▒ │ ▒▒ │ ← accumulators
 *        ▪ │ ▒▒ │ ▒▒ │
 *        ▪ │ ▒▒ │ ▒▒ │
 *          └────┴────┘
 *
 * For a convolution the rows of one kernel row are (kernel column, input channel): contiguous in NHWC, for any
 * number of channels. Remainders use the same loop with fewer rows, 4 columns, or 1 column.
 */
import {
  add,
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

/** Addresses are bytes; so are steps. */
export interface PixelWalk {
  readonly samples: number;
  readonly height: number;
  readonly width: number;
  /** From a pixel of x to the next in its row. */
  readonly xStep: number;
  /** Added after the last pixel of a row, and after the last row of a sample. */
  readonly xRowSkip: number;
  readonly xSampleSkip: number;
  /** From a pixel of dy to the next; dy has no gaps. */
  readonly dyStep: number;
}

const maxRows = 4;
const columnCounts = [8, 4, 1] as const;

const nameOf = (rows: number, columns: number): string => `outer_${rows}x${columns}`;

function buildTile(rows: number, columns: number): WasmFunction {
  const [x, dy, out, outStep, samples, height, width, xStep, xRowSkip, xSampleSkip, dyStep] = Array.from(
    { length: 11 },
    (_, i): Local => i,
  );
  const rowsLeft: Local = 11;
  const pixelsLeft: Local = 12;
  const factor: Local = 13;
  const vectors = Math.ceil(columns / 4);
  const upstream = (v: number): Local => 14 + v;
  const sum = (row: number, v: number): Local => 14 + vectors + row * vectors + v;
  const load = columns === 1 ? v128.loadSplat : v128.load;
  const store = columns === 1 ? v128.storeFirst : v128.store;
  const tile = Array.from({ length: rows * vectors }, (_, i) => [Math.floor(i / vectors), i % vectors]);
  const rowAddress = (row: number): Code => (row === 0 ? get(out) : add(rowAddress(row - 1), get(outStep)));
  const pixel: Code[] = [
    ...Array.from({ length: vectors }, (_, v) => set(upstream(v), load(get(dy), 16 * v))),
    ...Array.from({ length: rows }, (_, row) => [
      ...set(factor, v128.loadSplat(get(x), 4 * row)),
      ...Array.from({ length: vectors }, (_, v) =>
        set(sum(row, v), v128.add(get(sum(row, v)), v128.multiply(get(factor), get(upstream(v))))),
      ).flat(),
    ]),
    advance(x, get(xStep)),
    advance(dy, get(dyStep)),
  ];
  const row = [set(pixelsLeft, get(width)), repeat(pixelsLeft, pixel), advance(x, get(xRowSkip))];
  const sample = [set(rowsLeft, get(height)), repeat(rowsLeft, row), advance(x, get(xSampleSkip))];
  return {
    name: nameOf(rows, columns),
    parameters: new Array<ValueType>(11).fill(ValueType.i32),
    locals: [
      ValueType.i32,
      ValueType.i32,
      ...new Array<ValueType>(1 + vectors + rows * vectors).fill(ValueType.v128),
    ],
    body: [
      ...tile.map(([r, v]) => set(sum(r, v), load(rowAddress(r), 16 * v))),
      repeat(samples, sample),
      ...tile.map(([r, v]) => store(rowAddress(r), get(sum(r, v)), 16 * v)),
    ],
  };
}

export const outerProductFunctions: readonly WasmFunction[] = columnCounts.flatMap(columns =>
  Array.from({ length: maxRows }, (_, i) => buildTile(i + 1, columns)),
);

/** Bytes of x and dy that one pass over all tiles should touch, so that they stay in a second-level cache. */
export const blockBytes = 512 * 1024;

/** Pixels that a pass should have even so, or loading and storing the tiles would cost more than the cache saves. */
export const minPixels = 320;

type Tile = (...args: number[]) => void;

/**
 * Adds the outer products of all pixels to out [rows, columns].
 *
 * @param x address of the first row's value at the first pixel
 * @param dy address of the first pixel
 */
export function addOuterProducts(
  exports: Readonly<Record<string, Tile>>,
  [x, dy, out]: readonly [x: number, dy: number, out: number],
  [rows, columns]: readonly [rows: number, columns: number],
  walk: PixelWalk,
): void {
  const { samples, height, width, xStep, xRowSkip, xSampleSkip, dyStep } = walk;
  for (let row = 0; row < rows; row += maxRows) {
    const tileRows = Math.min(maxRows, rows - row);
    for (let column = 0; column < columns; ) {
      const tileColumns = columnCounts.find(count => count <= columns - column)!;
      const target = out + (row * columns + column) * 4;
      exports[nameOf(tileRows, tileColumns)](
        x + row * 4,
        dy + column * 4,
        target,
        columns * 4,
        samples,
        height,
        width,
        xStep,
        xRowSkip,
        xSampleSkip,
        dyStep,
      );
      column += tileColumns;
    }
  }
}
