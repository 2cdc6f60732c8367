/** Columns of Parquet files as columns of a table: read when they are wanted, a row group at a time. */
import { SampleError } from '../../errors.js';
import { shapeOf } from '../decode/image-options.js';
import { openDecoder } from '../decode/open-decoder.js';
import type { Column } from '../rows/column.js';
import { type Features, Image } from '../rows/features.js';
import type { ImageArray } from '../rows/nd-array.js';
import { type Row, Rows } from '../rows/rows.js';
import { imageBytes } from '../samples/sample-source.js';
import { imageBytesOf } from './image-bytes.js';
import type { ParquetFile } from './parquet-file.js';

/**
 * The rows of Parquet files, one after the other, as a table. Nothing is copied to a pack: reading on goes row group
 * by row group, but a row here and there costs a row group each, so it is for looking and for small tables. Images
 * are decoded, each in its own size.
 */
export function parquetRows(
  files: readonly ParquetFile[],
  features: Features = files[0].features,
): Rows<Row> {
  const columns = Object.keys(features).map(name => [name, parquetColumn(files, name, features)] as const);
  return Rows.from<Row>(Object.fromEntries(columns), features);
}

export function parquetColumn(files: readonly ParquetFile[], name: string, features: Features): Column {
  const groups = files.flatMap(file => file.groups.map(({ numRows }, index) => ({ file, index, numRows })));
  const starts = [0];
  for (const { numRows } of groups) starts.push(starts[starts.length - 1] + numRows);
  // The last one read: rows are mostly read one after the other.
  let last: { readonly at: number; readonly values: Promise<ArrayLike<unknown>> } | undefined;
  const groupAt = (at: number): Promise<ArrayLike<unknown>> => {
    if (last?.at !== at) {
      const { file, index } = groups[at];
      last = { at, values: file.readGroup(index, [name]).then(({ columns }) => columns[name]) };
    }
    return last.values;
  };
  const isImage = features[name] instanceof Image;
  const read = async (rows: readonly number[]): Promise<unknown[]> => {
    const values: unknown[] = [];
    for (const row of rows) {
      const at = starts.findLastIndex(start => start <= row);
      const { file, index } = groups[at];
      const inFile = file.groups[index].firstRow + row - starts[at];
      const value = (await groupAt(at))[row - starts[at]];
      values.push(isImage ? await decoded(value, name, inFile, file.path) : copied(value));
    }
    return values;
  };
  return { length: starts[groups.length], read };
}

async function decoded(value: unknown, column: string, row: number, path: string): Promise<ImageArray> {
  const file = imageBytesOf(value, column, row, path);
  const where = `row ${row} of ${path}`;
  const shape = await shapeOf(file, {}, where);
  const data = new Uint8Array(imageBytes(shape));
  try {
    await openDecoder(shape)(file, data);
  } catch (cause) {
    throw new SampleError(`cannot decode ${column} of ${where}: ${(cause as Error).message}`, {
      where,
      hint: 'the image is damaged: take the row out of the table',
      cause,
    });
  }
  return { data, shape };
}

/** Bytes are views of their row group. */
const copied = (value: unknown): unknown => (value instanceof Uint8Array ? value.slice() : value);
