import { Purpose, Random } from '../../random.js';

/** What the random numbers of an epoch's samples depend on, besides the sample. */
export interface EpochDraws {
  readonly seed: number;
  /** From 0. */
  readonly epoch: number;
}

/**
 * What a loader tells a dataset of the user's own about the sample it asks for. Random augmentation that takes its
 * numbers from here is the same in every run and in a resumed one, however the samples are read: they depend on the
 * loader's seed, the epoch and the sample's place in it alone.
 */
export class SampleContext {
  /** From 0. */
  readonly epoch: number;
  /** Place of the sample in the epoch, from 0: a row that is drawn twice has two. */
  readonly position: number;
  readonly #seed: number;
  #random: Random | undefined;

  constructor({ seed, epoch }: EpochDraws, position: number) {
    this.epoch = epoch;
    this.position = position;
    this.#seed = seed;
  }

  /** Random numbers for this sample. */
  get random(): Random {
    const key = {
      seed: this.#seed,
      purpose: Purpose.sample,
      epoch: this.epoch,
      index: this.position,
    };
    this.#random ??= new Random(key);
    return this.#random;
  }
}
