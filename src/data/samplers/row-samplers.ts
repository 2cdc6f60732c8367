/** PyTorch's samplers: which rows an epoch visits, each a pure function of (seed, epoch). */
import { defaultSeed } from '../../default-seed.js';
import { LoaderError } from '../../errors.js';
import { Purpose, Random } from '../../random.js';
import { type IndexSampler, Sampler } from './sampler.js';

/** Rows of a dataset, or their number. */
type Counted = number | { readonly length: number };

export interface RandomSamplerOptions {
  /** Each row is drawn from all, whatever was drawn before. Default false: a permutation. */
  readonly replacement?: boolean;
  /** Rows an epoch visits. Default: as many as there are. More than that, without replacement: several permutations. */
  readonly numSamples?: number;
  /** Default: that of `setSeed`, 42. */
  readonly seed?: number;
}

/** All rows in order. */
export class SequentialSampler extends Sampler {
  constructor(dataset: Counted) {
    super(dataset);
  }
}

/** Rows at random: permuted, or drawn with replacement. */
export class RandomSampler implements IndexSampler {
  readonly length: number;
  readonly #count: number;
  readonly #replacement: boolean;
  readonly #seed: number;

  /** @throws LoaderError */
  constructor(
    dataset: Counted,
    { replacement = false, numSamples, seed = defaultSeed() }: RandomSamplerOptions = {},
  ) {
    this.#count = countOf(dataset);
    this.length = numSamples ?? this.#count;
    this.#replacement = replacement;
    this.#seed = seed;
    checkCount(this.length, this.#count);
  }

  indices(epoch: number): Uint32Array {
    const rows = new Uint32Array(this.length);
    if (this.#replacement) {
      const random = new Random({ seed: this.#seed, purpose: Purpose.sampling, epoch });
      return rows.map(() => random.below(this.#count));
    }
    const random = new Random({ seed: this.#seed, purpose: Purpose.shuffle, epoch });
    const permutation = Uint32Array.from({ length: this.#count }, (_, row) => row);
    for (let at = 0; at < rows.length; at += this.#count) {
      rows.set(random.shuffle(permutation).subarray(0, rows.length - at), at);
    }
    return rows;
  }
}

/** These rows, and no others, in a new order every epoch. */
export class SubsetRandomSampler implements IndexSampler {
  readonly length: number;
  readonly #rows: Uint32Array;
  readonly #seed: number;

  constructor(rows: ArrayLike<number>, { seed = defaultSeed() }: { readonly seed?: number } = {}) {
    this.#rows = Uint32Array.from(rows);
    this.length = rows.length;
    this.#seed = seed;
  }

  indices(epoch: number): Uint32Array {
    return new Random({ seed: this.#seed, purpose: Purpose.shuffle, epoch }).shuffle(this.#rows.slice());
  }
}

/**
 * Permutations of all rows, one after the other without end, of which every epoch takes the next `numSamples`: epochs
 * of a length of one's own (short ones to validate often, long ones of a small dataset) in which no row falls behind.
 */
export class InfiniteSampler implements IndexSampler {
  readonly length: number;
  readonly #count: number;
  readonly #shuffle: boolean;
  readonly #seed: number;

  /** @throws LoaderError */
  constructor(
    dataset: Counted,
    numSamples: number,
    { shuffle = true, seed = defaultSeed() }: { readonly shuffle?: boolean; readonly seed?: number } = {},
  ) {
    this.#count = countOf(dataset);
    this.length = numSamples;
    this.#shuffle = shuffle;
    this.#seed = seed;
    checkCount(numSamples, this.#count);
  }

  indices(epoch: number): Uint32Array {
    const rows = new Uint32Array(this.length);
    const start = epoch * this.length;
    let at = 0;
    while (at < rows.length) {
      const round = Math.floor((start + at) / this.#count);
      const permutation = Uint32Array.from({ length: this.#count }, (_, row) => row);
      if (this.#shuffle)
        new Random({ seed: this.#seed, purpose: Purpose.shuffle, epoch: round }).shuffle(permutation);
      const first = start + at - round * this.#count;
      const part = permutation.subarray(first, first + rows.length - at);
      rows.set(part, at);
      at += part.length;
    }
    return rows;
  }
}

const countOf = (dataset: Counted): number => (typeof dataset === 'number' ? dataset : dataset.length);

function checkCount(numSamples: number, rows: number): void {
  if (rows === 0 && numSamples > 0)
    throw new LoaderError('there are no rows to draw from', {
      where: 'dataset',
      hint: 'give a dataset with rows',
    });
  if (Number.isSafeInteger(numSamples) && numSamples >= 0) return;
  throw new LoaderError(`numSamples is ${numSamples}`, {
    where: 'numSamples',
    hint: 'a whole number of rows that an epoch visits',
  });
}
