import { DatasetError } from '../../errors.js';
import type { DatasetPair } from '../dataset.js';
import type { Features } from './features.js';
import type { Row, Rows, RowTransform } from './rows.js';
import { type ImageRow, rowsOf } from './rows-of.js';

/** Names of a set to judge on, most meant first. */
const validNames = ['valid', 'validation', 'val', 'test'];

/** The splits of a dataset by name, in order, after Hugging Face's `DatasetDict`. */
export class DatasetDict<Out extends object = Row, Stored extends object = Out> {
  /** By name. */
  readonly splits: Readonly<Record<string, Rows<Out, Stored>>>;

  /** @throws DatasetError where there is no split */
  constructor(splits: Readonly<Record<string, Rows<Out, Stored>>>) {
    if (Object.keys(splits).length === 0)
      throw new DatasetError('the DatasetDict has no splits', {
        where: 'DatasetDict',
        hint: 'name at least one',
      });
    this.splits = { ...splits };
  }

  /** `train` and `valid` of what `openData` opened, or of any such pair. */
  static of({ train, valid }: DatasetPair): DatasetDict<ImageRow> {
    return new DatasetDict({ train: rowsOf(train), valid: rowsOf(valid) });
  }

  get names(): readonly string[] {
    return Object.keys(this.splits);
  }

  /** Of the first split. */
  get features(): Features {
    return this.splits[this.names[0]].features;
  }

  /** @throws DatasetError where there is no split of this name */
  get(name: string): Rows<Out, Stored> {
    const rows = this.splits[name];
    if (rows !== undefined) return rows;
    throw new DatasetError(`there is no split '${name}'`, {
      where: name,
      hint: `the splits are ${this.names.join(', ')}`,
    });
  }

  /** All splits with `transform`, in place of an earlier one. */
  withTransform<Next extends object>(transform: RowTransform<Stored, Next>): DatasetDict<Next, Stored> {
    const entries = Object.entries(this.splits).map(([name, rows]) => [name, rows.withTransform(transform)]);
    return new DatasetDict<Next, Stored>(Object.fromEntries(entries));
  }

  /** `trainingSplits` of its names. @throws DatasetError where there is no telling */
  trainingSplits(): readonly [train: string, valid: string] {
    return trainingSplits(this.names);
  }
}

/**
 * Names of the set to train on and the set to judge on: `train`, and the first there is of `valid`, `validation`,
 * `val` and `test`; where they are called otherwise, the two there are, in order.
 *
 * @throws DatasetError where there is no telling
 */
export function trainingSplits(names: readonly string[]): readonly [train: string, valid: string] {
  const valid = validNames.find(name => names.includes(name));
  if (names.includes('train') && valid !== undefined) return ['train', valid];
  if (names.length === 2) return [names[0], names[1]];
  throw new DatasetError(`which splits of ${names.join(', ')} to train on and to judge on is not clear`, {
    where: 'trainingSplits',
    hint: "name them: splits: ['train', 'test']",
  });
}
