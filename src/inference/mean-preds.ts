/** Several sets of predictions made one: what test-time augmentation and ensembles come to. */
import { ConfigError } from '../errors.js';
import { type CapturedPreds, type FloatArray, softmax } from './captured-preds.js';

/** What is averaged: the model's outputs as they are (as in the lessons), or the softmax of each. */
export type Averaged = 'logits' | 'probabilities';

/** @throws ConfigError */
export function checkAveraged(average: Averaged, where: string): void {
  if (average === 'logits' || average === 'probabilities') return;
  throw new ConfigError(`average is ${String(average)}.`, { where, hint: 'logits or probabilities' });
}

export const averagedForm = (preds: FloatArray, average: Averaged): FloatArray =>
  average === 'logits' ? preds : softmax(preds);

/** Combines arrays of one shape, element by element, in double precision. */
export function combine(
  arrays: readonly FloatArray[],
  of: (values: readonly number[]) => number,
): FloatArray {
  const [{ data, shape }] = arrays;
  const values = new Array<number>(arrays.length);
  const combined = Float32Array.from(data, (_, i) => {
    for (let k = 0; k < arrays.length; k++) values[k] = arrays[k].data[i];
    return of(values);
  });
  return { data: combined, shape };
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

export interface EnsembleOptions {
  /** Default `logits`. */
  readonly average?: Averaged;
}

/**
 * The mean of what several models say about the same samples: one prediction of better accuracy.
 *
 * @param predsList from `getPreds`, each over the same rows of the same dataset
 * @throws ConfigError where they are not of the same samples, or differ in shape
 */
export function ensemblePreds(
  predsList: readonly CapturedPreds[],
  { average = 'logits' }: EnsembleOptions = {},
): CapturedPreds {
  const [first, ...others] = predsList;
  checkAveraged(average, 'ensemblePreds');
  if (first === undefined) throw new ConfigError('there are no predictions.', { where: 'ensemblePreds' });
  for (const [i, other] of others.entries()) {
    const [shape, expected] = [other, first].map(({ preds }) => preds.shape.join('x'));
    if (shape === expected && equal(other.indices, first.indices) && equal(other.targets, first.targets))
      continue;
    throw new ConfigError(
      shape === expected
        ? `predictions ${i + 1} are of other samples than predictions 0.`
        : `predictions ${i + 1} are ${shape}, predictions 0 are ${expected}.`,
      { where: 'ensemblePreds', hint: 'have every model predict the same dataset' },
    );
  }
  const forms = predsList.map(({ preds }) => averagedForm(preds, average));
  return { preds: combine(forms, mean), targets: first.targets, indices: first.indices };
}

function equal(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
