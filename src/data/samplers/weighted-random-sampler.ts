import { defaultSeed } from '../../default-seed.js';
import { LoaderError } from '../../errors.js';
import { Purpose, Random } from '../../random.js';
import type { IndexSampler } from './sampler.js';

export interface WeightedRandomSamplerOptions {
  /** A row may come several times an epoch. Default true. */
  readonly replacement?: boolean;
  /** Default: that of `setSeed`, 42. */
  readonly seed?: number;
}

/**
 * Rows at random, each with a probability proportional to its weight: PyTorch's `WeightedRandomSampler`. Without
 * replacement, rows are drawn one after the other from those that are left. The draws of an epoch depend on (seed,
 * epoch) alone.
 */
export class WeightedRandomSampler implements IndexSampler {
  /** Rows an epoch visits. */
  readonly length: number;
  readonly #weights: Float64Array;
  readonly #replacement: boolean;
  readonly #seed: number;
  /** Sums of the weights up to and with each row, to the last row that can be drawn. */
  readonly #sums: Float64Array;

  /**
   * @param weights of the rows of the dataset, ≥ 0; they need not add up to one
   * @throws LoaderError
   */
  constructor(
    weights: ArrayLike<number>,
    numSamples: number,
    { replacement = true, seed = defaultSeed() }: WeightedRandomSamplerOptions = {},
  ) {
    this.#weights = Float64Array.from(weights);
    this.length = numSamples;
    this.#replacement = replacement;
    this.#seed = seed;
    checkWeights(this.#weights, numSamples, replacement);
    let sum = 0;
    const last = this.#weights.findLastIndex(weight => weight > 0);
    this.#sums = this.#weights.subarray(0, last + 1).map(weight => {
      sum += weight;
      return sum;
    });
  }

  indices(epoch: number): Uint32Array {
    const random = new Random({ seed: this.#seed, purpose: Purpose.sampling, epoch });
    return this.#replacement ? this.#withReplacement(random) : this.#withoutReplacement(random);
  }

  #withReplacement(random: Random): Uint32Array {
    const sums = this.#sums;
    const total = sums[sums.length - 1];
    return new Uint32Array(this.length).map(() => firstAbove(sums, uniform(random) * total));
  }

  /**
   * Row i gets the key −ln(u) / w, an exponential variable of rate w, and the smallest keys win: that is drawing by
   * weight one after the other (Efraimidis and Spirakis, "Weighted random sampling with a reservoir", Information
   * Processing Letters 97, 2006, whose key u^(1/w) orders the same way and underflows for small weights).
   */
  #withoutReplacement(random: Random): Uint32Array {
    const keys = this.#weights.map(weight => {
      // 1 − u, which is never 0; drawn for every row, so that a weight changes no other row's draw.
      const waiting = -Math.log(1 - uniform(random));
      return weight > 0 ? waiting / weight : Number.POSITIVE_INFINITY;
    });
    const rows = Uint32Array.from(keys, (_, row) => row);
    return rows.sort((a, b) => keys[a] - keys[b]).slice(0, this.length);
  }
}

/** Weights for a `WeightedRandomSampler` by which all classes are drawn equally often: 1 / (samples of the class). */
export function classBalancedWeights(labels: ArrayLike<number>): Float64Array {
  const counts = new Map<number, number>();
  for (let row = 0; row < labels.length; row++) counts.set(labels[row], (counts.get(labels[row]) ?? 0) + 1);
  return Float64Array.from(labels, label => 1 / (counts.get(label) as number));
}

/** Uniform over [0, 1) with 53 bits: 32 are too few for a dataset of millions of rows. */
function uniform(random: Random): number {
  const high = random.uint32() >>> 5;
  const low = random.uint32() >>> 6;
  return (high * 0x400_0000 + low) / 2 ** 53;
}

/** First row whose sum is above `value`: never one of weight 0. */
function firstAbove(sums: Float64Array, value: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

function checkWeights(weights: Float64Array, numSamples: number, replacement: boolean): void {
  const fail = (message: string, where: string, hint: string): LoaderError =>
    new LoaderError(message, { where, hint });
  if (!Number.isSafeInteger(numSamples) || numSamples < 1)
    throw fail(`numSamples is ${numSamples}`, 'numSamples', 'a whole number of rows, 1 or more');
  const bad = weights.findIndex(weight => !(weight >= 0 && weight < Number.POSITIVE_INFINITY));
  if (bad >= 0) throw fail(`the weight of row ${bad} is ${weights[bad]}`, 'weights', 'a number, 0 or more');
  const possible = weights.reduce((count, weight) => count + (weight > 0 ? 1 : 0), 0);
  if (possible >= (replacement ? 1 : numSamples)) return;
  throw fail(
    `${possible} of ${weights.length} weights are above 0`,
    'weights',
    replacement ? 'one is needed at least' : `${numSamples} rows are to be drawn without replacement`,
  );
}
