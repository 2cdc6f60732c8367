import { defaultSeed } from '../../default-seed.js';
import { Purpose, Random } from '../../random.js';

/** Which rows an epoch visits, in order. Users pass their own to a `DataLoader`. */
export interface IndexSampler {
  /** Rows an epoch visits. */
  readonly length: number;
  /** Rows of epoch `epoch` (from 0), `length` of them. A pure function of the epoch, so that runs can resume. */
  indices(epoch: number): ArrayLike<number>;
}

export interface SamplerOptions {
  /** A new order every epoch. Default false: 0 … length − 1. */
  readonly shuffle?: boolean;
  /** Default: that of `setSeed`, 42. */
  readonly seed?: number;
}

/** Every row once: in order, or in a permutation that depends on (seed, epoch) alone. */
export class Sampler implements IndexSampler {
  readonly length: number;
  readonly #shuffle: boolean;
  readonly #seed: number;

  constructor(
    dataset: number | { readonly length: number },
    { shuffle = false, seed = defaultSeed() }: SamplerOptions = {},
  ) {
    this.length = typeof dataset === 'number' ? dataset : dataset.length;
    this.#shuffle = shuffle;
    this.#seed = seed;
  }

  indices(epoch: number): Uint32Array {
    const rows = new Uint32Array(this.length);
    for (let row = 0; row < rows.length; row++) rows[row] = row;
    if (!this.#shuffle) return rows;
    return new Random({ seed: this.#seed, purpose: Purpose.shuffle, epoch }).shuffle(rows);
  }
}
