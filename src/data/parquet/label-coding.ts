/** How the values of a label column become class indices. */
import { DatasetError } from '../../errors.js';
import { ClassLabel, type Feature } from '../rows/features.js';
import { type ParquetFile, throwIfAborted } from './parquet-file.js';

/** Classes, and the index of a stored value among them. */
export interface LabelCoding {
  readonly classes: readonly string[];
  /** Undefined where the value is none of them. */
  indexOf(value: unknown): number | undefined;
}

/** More would be a column of something else, such as file names or numbers of rows. */
const MOST_CLASSES = 100_000;

/**
 * A `ClassLabel` stores indices. Of any other column the distinct values are the classes, sorted: the column is read
 * for them in all files, so that all splits number them alike.
 *
 * @throws DatasetError, AbortedError
 */
export async function labelCoding(
  files: readonly ParquetFile[],
  column: string,
  feature: Feature,
  signal?: AbortSignal,
): Promise<LabelCoding> {
  if (feature instanceof ClassLabel) {
    const { names } = feature;
    const isIndex = (value: unknown): value is number =>
      Number.isInteger(value) && names[value as number] !== undefined;
    return { classes: names, indexOf: value => (isIndex(value) ? value : undefined) };
  }
  const values = [...(await distinctValues(files, column, signal))].sort(ascending);
  const indices = new Map(values.map((value, index) => [value, index]));
  return { classes: values.map(String), indexOf: value => indices.get(value) };
}

async function distinctValues(
  files: readonly ParquetFile[],
  column: string,
  signal: AbortSignal | undefined,
): Promise<Set<unknown>> {
  const distinct = new Set<unknown>();
  for (const file of files) {
    for await (const { firstRow, columns } of file.rowGroups({ columns: [column], signal })) {
      const values = columns[column];
      for (let row = 0; row < values.length; row++) {
        if (values[row] === null || values[row] === undefined)
          throw noClasses(`it is empty in row ${firstRow + row}`, column, file.path);
        distinct.add(values[row]);
      }
      if (distinct.size > MOST_CLASSES)
        throw noClasses(`it has more than ${MOST_CLASSES} values`, column, file.path);
    }
    throwIfAborted(signal, file.path);
  }
  return distinct;
}

function ascending(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a) < String(b) ? -1 : 1;
}

function noClasses(reason: string, column: string, file: string): DatasetError {
  return new DatasetError(`column ${column} of ${file} cannot be the labels: ${reason}`, {
    where: `${column} of ${file}`,
    hint: 'name the column of the classes: label',
  });
}
