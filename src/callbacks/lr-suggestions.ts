/** Where in the curve of a learning-rate finder a good rate lies: the rules of fastai. */

export interface LrSuggestions {
  /** In the middle of the longest fall of the loss: a good default. */
  readonly valley: number;
  /** Where the loss falls fastest, over the logarithm of the rate. */
  readonly steep: number;
  /** A tenth of the rate at which the loss is lowest. */
  readonly minimum: number;
}

const skippedAtEnd = 5;

/**
 * The rules `valley`, `steep` and `minimum` of fastai's `callback/schedule.py`, which leave out the first tenth of
 * the curve and its last five points. The loss is smoothed before, by the mean of five neighbours: fastai's running
 * average is made for 100 steps, and would move a curve of fifty to the right.
 *
 * @param lrs ascending rates, above 0
 * @param losses of the same length; all finite
 */
export function suggestLrs(lrs: readonly number[], losses: readonly number[]): LrSuggestions {
  const smooth = smoothed(losses);
  const from = Math.floor(lrs.length / 10);
  const enough = lrs.length - skippedAtEnd - from >= 5;
  const [x, y] = enough ? [lrs.slice(from, -skippedAtEnd), smooth.slice(from, -skippedAtEnd)] : [lrs, smooth];
  return {
    valley: x[valleyIndex(y)],
    steep: x[steepIndex(x, y)],
    minimum: x[y.indexOf(Math.min(...y))] / 10,
  };
}

/** Mean of each value and up to two neighbours on either side, as many on both. */
function smoothed(values: readonly number[]): number[] {
  return values.map((_, i) => {
    const reach = Math.min(2, i, values.length - 1 - i);
    const part = values.slice(i - reach, i + reach + 1);
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}

/**
 * `valley`: of the longest decreasing subsequence of length n that ends at e, the point n/3 + n/6 after e − n, the
 * parts rounded down.
 */
function valleyIndex(y: readonly number[]): number {
  const lengths = y.map(() => 1);
  let end = 0;
  for (let i = 1; i < y.length; i++) {
    for (let j = 0; j < i; j++) if (y[i] < y[j]) lengths[i] = Math.max(lengths[i], lengths[j] + 1);
    if (lengths[i] > lengths[end]) end = i;
  }
  if (end === 0) return 0;
  const section = lengths[end] / 3;
  return Math.max(0, end - lengths[end] + Math.floor(section) + Math.floor(section / 2));
}

/** `steep`: the smallest difference quotient of the loss over ln(rate). */
function steepIndex(x: readonly number[], y: readonly number[]): number {
  let steepest = 0;
  let lowest = Number.POSITIVE_INFINITY;
  for (let i = 0; i + 1 < x.length; i++) {
    const slope = (y[i + 1] - y[i]) / Math.log(x[i + 1] / x[i]);
    if (slope < lowest) [steepest, lowest] = [i, slope];
  }
  return steepest;
}
