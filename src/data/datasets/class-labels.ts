/** Labels as people write them, names of classes or numbers, and the int32 indices that become of them. */
import { ConfigError, DatasetError } from '../../errors.js';
import { nearest } from '../../nearest.js';
import { checkLabels, type DatasetPair, sharedLabels } from '../dataset.js';

/** A class name, or an index as a number or its digits. */
export type WrittenLabel = string | number;

export interface NumberedLabels {
  /** Class indices, one a row, in shared memory. */
  readonly labels: Int32Array;
  readonly classes: readonly string[];
}

/** Numbers beyond it are no class indices, but identifiers of something else in the wrong column. */
const MOST_CLASSES = 65_536;

const digits = /^\d+$/;

/**
 * With `classes`, a label is one of these names, or else an index into them. Without, labels that are all whole
 * numbers are the indices themselves, of classes "0" up to the largest; otherwise they are the names of the classes,
 * which are numbered in sorted order.
 *
 * @param describe file and row, or line, of a label: for messages
 * @throws DatasetError naming the first label that is no class, ConfigError where `classes` are none
 */
export function numberLabels(
  written: readonly WrittenLabel[],
  classes: readonly string[] | undefined,
  describe: (row: number) => string,
): NumberedLabels {
  if (classes !== undefined) return ofKnown(written, classes, describe);
  if (written.every(label => digits.test(String(label)))) {
    const labels = written.map(Number);
    const largest = labels.reduce((most, label) => Math.max(most, label), 0);
    if (largest >= MOST_CLASSES) throw tooLarge(largest, describe(labels.indexOf(largest)));
    const names = Array.from({ length: largest + 1 }, (_, label) => String(label));
    return { labels: sharedLabels(labels), classes: names };
  }
  const names = [...new Set(written.map(String))].sort();
  const indices = indexOf(names);
  return {
    labels: sharedLabels(written.map(label => indices.get(String(label)) as number)),
    classes: names,
  };
}

/**
 * As `numberLabels`, of a training and a validation set together: their classes are the same.
 *
 * @throws as `numberLabels`
 */
export function numberPair(
  train: readonly WrittenLabel[],
  valid: readonly WrittenLabel[],
  classes: readonly string[] | undefined,
  describe: (split: keyof DatasetPair, row: number) => string,
): Readonly<Record<keyof DatasetPair, NumberedLabels>> {
  const count = train.length;
  const together = numberLabels([...train, ...valid], classes, row =>
    row < count ? describe('train', row) : describe('valid', row - count),
  );
  const { labels, classes: names } = together;
  return {
    train: { labels: sharedLabels(labels.subarray(0, count)), classes: names },
    valid: { labels: sharedLabels(labels.subarray(count)), classes: names },
  };
}

function ofKnown(
  written: readonly WrittenLabel[],
  classes: readonly string[],
  describe: (row: number) => string,
): NumberedLabels {
  const indices = indexOf(classes);
  if (classes.length === 0 || indices.size < classes.length) {
    throw new ConfigError(classes.length === 0 ? 'classes are none' : 'a class is named twice', {
      where: 'classes',
      hint: 'give every class one name, in the order of their indices',
    });
  }
  const labels = written.map((label, row) => {
    const index = indices.get(String(label));
    if (index !== undefined) return index;
    if (digits.test(String(label))) return Number(label);
    throw unknownClass(String(label), classes, describe(row));
  });
  const shared = sharedLabels(labels);
  checkLabels(shared, classes, describe);
  return { labels: shared, classes };
}

function indexOf(names: readonly string[]): Map<string, number> {
  return new Map(names.map((name, index) => [name, index]));
}

function unknownClass(label: string, classes: readonly string[], where: string): DatasetError {
  const meant = nearest(label, classes);
  return new DatasetError(`'${label}' of ${where} is none of the ${classes.length} classes`, {
    where,
    hint:
      meant === undefined ? `the classes are ${classes.slice(0, 20).join(', ')}` : `did you mean '${meant}'?`,
  });
}

function tooLarge(label: number, where: string): DatasetError {
  return new DatasetError(`label ${label} of ${where} is no class index`, {
    where,
    hint: `indices begin at 0 and stay below ${MOST_CLASSES}: name the right column, or the classes`,
  });
}
