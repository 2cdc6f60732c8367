import { DatasetError } from '../../errors.js';
import { nearest } from '../../nearest.js';
import { checkRow } from '../dataset.js';
import { rowsOfSlice } from '../samples/read-samples.js';
import { arrayColumn, type Column, inferFeature } from './column.js';
import type { Feature, Features } from './features.js';

/** One row: its values by column. */
export type Row = Record<string, unknown>;

/** Some rows as a dictionary of lists, one list a column. */
export type Lists<R extends object> = { [K in keyof R]: R[K][] };

/**
 * What is done to rows on the way out. It gets a dictionary of lists, also where one row is asked for, may change it,
 * and must return one, its lists as long as those it was given.
 */
export type RowTransform<From extends object, To extends object> = (
  batch: Lists<From>,
) => Lists<To> | Promise<Lists<To>>;

/** The columns of a table, each a list in memory or one that is read when it is wanted. */
export type ColumnData<R extends object> = { readonly [K in keyof R]: ArrayLike<R[K]> | Column };

/**
 * A table of rows with `features`, in the manner of Hugging Face `datasets`: rows are dictionaries, several rows a
 * dictionary of lists. Every access gives new lists and pixels, so what is done to them does not change the table.
 *
 * `Out` is a row as it comes out, `Stored` as it is stored: they differ where there is a transform.
 */
export class Rows<Out extends object = Row, Stored extends object = Out> implements AsyncIterable<Out> {
  /** What the columns hold as they are stored, in their order. */
  readonly features: Features;
  readonly #columns: ReadonlyMap<string, Column>;
  readonly #transform?: RowTransform<Stored, Out>;
  /** Rows of the columns; absent: all of them. */
  readonly #rows?: readonly number[];

  private constructor(
    columns: ReadonlyMap<string, Column>,
    features: Features,
    transform?: RowTransform<Stored, Out>,
    rows?: readonly number[],
  ) {
    this.#columns = columns;
    this.features = features;
    this.#transform = transform;
    this.#rows = rows;
  }

  /**
   * @param features of some or all columns; those of lists left out are told by their first value
   * @throws DatasetError where the columns differ in length, or a feature has no column
   */
  static from<R extends object = Row>(columns: ColumnData<R>, features: Features = {}): Rows<R> {
    const given = Object.entries<ArrayLike<unknown> | Column>(columns);
    const stored = new Map(given.map(([name, data]) => [name, isColumn(data) ? data : arrayColumn(data)]));
    checkLengths(stored);
    for (const name of Object.keys(features)) if (!stored.has(name)) throw noColumn(name, [...stored.keys()]);
    const all = given.map(([name, data]): [string, Feature] => [
      name,
      features[name] ?? inferFeature(isColumn(data) ? [] : data),
    ]);
    return new Rows<R>(stored, Object.fromEntries(all));
  }

  get length(): number {
    return this.#rows?.length ?? this.#columns.values().next().value?.length ?? 0;
  }

  get columnNames(): readonly string[] {
    return [...this.#columns.keys()];
  }

  get hasTransform(): boolean {
    return this.#transform !== undefined;
  }

  /** One row. @throws RangeError where there is none; what the transform throws */
  async get(index: number): Promise<Out> {
    checkRow(index, this.length);
    const [row] = await this.getRows([index]);
    return row;
  }

  /** Some rows, as a dictionary of lists in the order given. @throws RangeError */
  async at(indices: ArrayLike<number>): Promise<Lists<Out>> {
    const rows = Array.from(indices, index => {
      checkRow(index, this.length);
      return this.#rows?.[index] ?? index;
    });
    const names = this.columnNames;
    const values = await Promise.all([...this.#columns.values()].map(column => column.read(rows)));
    const batch = Object.fromEntries(names.map((name, i) => [name, [...values[i]]]));
    if (this.#transform === undefined) return batch as Lists<Out>;
    return checkBatch(await this.#transform(batch as Lists<Stored>), rows.length);
  }

  /** Rows `start` … `end` − 1 as a dictionary of lists, with the meaning of `Array.prototype.slice`. */
  slice(start?: number, end?: number): Promise<Lists<Out>> {
    return this.at(rowsOfSlice(this.length, start, end));
  }

  /** Some rows, one dictionary each: what a collate function gets. The transform is called once for all of them. */
  async getRows(indices: ArrayLike<number>): Promise<Out[]> {
    const lists = Object.entries<unknown[]>(await this.at(indices));
    return Array.from(
      { length: indices.length },
      (_, i) => Object.fromEntries(lists.map(([name, values]) => [name, values[i]])) as Out,
    );
  }

  /** All values of a column as they are stored, whatever the transform. @throws DatasetError */
  async column<K extends keyof Stored & string>(name: K): Promise<Stored[K][]> {
    const rows = this.#rows ?? Array.from({ length: this.length }, (_, row) => row);
    return [...(await this.storedColumn(name).read(rows))] as Stored[K][];
  }

  /** A column of the whole table, before any `select`. @throws DatasetError where there is none of this name */
  storedColumn(name: string): Column {
    const column = this.#columns.get(name);
    if (column === undefined) throw noColumn(name, this.columnNames);
    return column;
  }

  /** Row of the whole table that row `index` is. */
  storedRow(index: number): number {
    return this.#rows?.[index] ?? index;
  }

  /** These rows, in this order, as a table. @throws RangeError */
  select(indices: ArrayLike<number>): Rows<Out, Stored> {
    const rows = Array.from(indices, index => {
      checkRow(index, this.length);
      return this.storedRow(index);
    });
    return new Rows<Out, Stored>(this.#columns, this.features, this.#transform, rows);
  }

  /**
   * The same table with `transform` between it and whoever reads it, in place of an earlier one. It runs at every
   * access, never ahead and never remembered, so random augmentation differs each time; once for a batch.
   */
  withTransform<Next extends object>(transform: RowTransform<Stored, Next>): Rows<Next, Stored> {
    return new Rows<Next, Stored>(this.#columns, this.features, transform, this.#rows);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Out, void, undefined> {
    for (let index = 0; index < this.length; index++) yield await this.get(index);
  }
}

const isColumn = (data: ArrayLike<unknown> | Column): data is Column => 'read' in data;

function checkLengths(columns: ReadonlyMap<string, Column>): void {
  const [[first, { length }] = ['', { length: 0 }], ...others] = columns;
  const odd = others.find(([, column]) => column.length !== length);
  if (odd === undefined) return;
  throw new DatasetError(`column ${odd[0]} has ${odd[1].length} values, ${first} has ${length}`, {
    where: odd[0],
    hint: 'give every column one value a row',
  });
}

/** @throws DatasetError where a transform did not return a dictionary of lists of the right length */
function checkBatch<Out extends object>(batch: Lists<Out>, length: number): Lists<Out> {
  const fail = (what: string): DatasetError =>
    new DatasetError(`the transform returned ${what}`, {
      where: 'withTransform',
      hint: 'return the dictionary of lists it was given, or a new one; inplace() does so for a function that only changes it',
    });
  if (typeof batch !== 'object' || batch === null || Array.isArray(batch))
    throw fail(Array.isArray(batch) ? 'a list' : String(batch));
  for (const [name, values] of Object.entries<ArrayLike<unknown> | undefined>(batch)) {
    if (values?.length === length && typeof values !== 'string') continue;
    const found = typeof values === 'string' ? 'a string' : `${values?.length ?? 'no list of'} values`;
    throw fail(`${found} in ${name} for ${length} rows`);
  }
  return batch;
}

function noColumn(name: string, names: readonly string[]): DatasetError {
  const meant = names.length > 0 ? nearest(name, names) : undefined;
  return new DatasetError(`there is no column '${name}'`, {
    where: name,
    hint: meant === undefined ? `the columns are ${names.join(', ')}` : `did you mean '${meant}'?`,
  });
}
