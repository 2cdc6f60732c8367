/** A training and a validation set out of the splits there are. */
import type { DatasetPair } from '../dataset.js';
import { stratifiedSplit } from '../datasets/subset.js';
import { trainingSplits } from '../rows/dataset-dict.js';
import type { ParquetSplits } from './parquet-splits.js';

export interface SplitOptions {
  /** Part of each class that becomes the validation set where there is one split alone. */
  readonly validSplit: number;
  readonly seed: number;
}

/** The splits that training needs. @throws DatasetError where there is no telling */
export function neededSplits(names: readonly string[]): readonly string[] {
  return names.length === 1 ? names : trainingSplits(names);
}

/** Training and validation split, as `DatasetDict.trainingSplits` has them; a split by itself is divided. */
export async function trainingPair(
  splits: ParquetSplits,
  { validSplit, seed }: SplitOptions,
): Promise<DatasetPair> {
  const [train, valid] = neededSplits(splits.names);
  if (valid === undefined) return stratifiedSplit(await splits.dataset(train), validSplit, seed);
  return { train: await splits.dataset(train), valid: await splits.dataset(valid) };
}
