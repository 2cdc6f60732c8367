import { defaultSeed } from '../../default-seed.js';
import { ConfigError } from '../../errors.js';
import { Purpose, Random } from '../../random.js';
import type { Dataset } from '../dataset.js';
import { Subset } from './subset.js';

export interface SplitOptions {
  /** Of the choice. Default: that of `setSeed`, 42. */
  readonly seed?: number;
  /** Whether each part gets its share of every class, as evenly as whole samples allow. Default false. */
  readonly stratified?: boolean;
}

/** How far shares may be from 1 together, and still be meant to be shares. */
const ROUNDING = 1e-6;

/**
 * Splits a dataset at random into parts without rows in common, which together hold all of it: PyTorch's
 * `random_split`. Parts keep the order of the dataset; the choice depends on `seed` alone.
 *
 * @param parts shares that add up to 1, or numbers of samples that add up to those of the dataset. Shares are rounded
 * down, and what is left over goes to the parts in turn, one sample each
 * @throws ConfigError where they add up to neither
 */
export function split(
  dataset: Dataset,
  parts: readonly number[],
  { seed = defaultSeed(), stratified = false }: SplitOptions = {},
): Subset[] {
  const counts = countsOf(parts, dataset.length);
  const order = stratified ? byClass(dataset, seed) : shuffled(dataset.length, seed);
  const rows: number[][] = counts.map(() => []);
  for (const [position, row] of order.entries()) rows[mostBehind(rows, counts, position + 1)].push(row);
  return rows.map(
    part =>
      new Subset(
        dataset,
        part.sort((a, b) => a - b),
      ),
  );
}

/**
 * The part that is furthest behind its share of the first `taken` rows. Going through rows that are sorted by class
 * like this, each part gets its share of every class; through shuffled ones, any rows.
 */
function mostBehind(rows: readonly number[][], counts: readonly number[], taken: number): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let part = 0;
  let most = Number.NEGATIVE_INFINITY;
  for (const [candidate, count] of counts.entries()) {
    const behind = (count * taken) / total - rows[candidate].length;
    if (rows[candidate].length === count || behind <= most) continue;
    part = candidate;
    most = behind;
  }
  return part;
}

function shuffled(length: number, seed: number): number[] {
  const rows = Array.from({ length }, (_, row) => row);
  new Random({ seed, purpose: Purpose.split }).shuffle(rows);
  return rows;
}

/** All rows, class after class, shuffled within each. */
function byClass({ classes, labels }: Dataset, seed: number): number[] {
  const rows: number[][] = classes.map(() => []);
  for (const [row, label] of labels.entries()) rows[label].push(row);
  for (const [index, ofClass] of rows.entries()) {
    new Random({ seed, purpose: Purpose.split, index }).shuffle(ofClass);
  }
  return rows.flat();
}

function countsOf(parts: readonly number[], length: number): number[] {
  const sum = parts.reduce((total, part) => total + part, 0);
  const possible = parts.length > 0 && parts.every(part => part >= 0);
  if (possible && parts.every(Number.isInteger) && sum === length) return [...parts];
  if (possible && Math.abs(sum - 1) < ROUNDING) {
    // A little more: 0.29 · 100 comes to 28.999… in binary fractions.
    const counts = parts.map(share => Math.floor((share / sum) * length + ROUNDING));
    const left = length - counts.reduce((total, count) => total + count, 0);
    return counts.map(
      (count, part) => count + Math.floor(left / parts.length) + Number(part < left % parts.length),
    );
  }
  throw new ConfigError(`parts of ${parts.join(', ')} do not add up to 1, nor to the ${length} samples`, {
    where: 'parts',
    hint: `give shares such as [0.8, 0.2], or numbers that make ${length} together`,
  });
}
