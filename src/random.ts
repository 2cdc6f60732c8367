/**
 * Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011). A draw is a pure function of its key, so it is the same whatever the number of threads, and any
 * position of a run can be reproduced without replaying what came before.
 */

/** What a draw is for. Part of the key, so that two purposes never share numbers. */
export const Purpose = {
  shuffle: 1,
  augmentation: 2,
  initialisation: 3,
  layer: 4,
  split: 5,
  /** Of one image among those of a batch. */
  augmentationOfItem: 6,
  mix: 7,
  noise: 8,
  /** Rows drawn by weight or with replacement. */
  sampling: 9,
  /** Of a user's dataset, for one sample. */
  sample: 10,
  /** Of one replica among those of a batch. */
  augmentationOfReplica: 11,
} as const;
export type Purpose = (typeof Purpose)[keyof typeof Purpose];

/** The words of a key that follow the seed: epoch, sample or batch, and whatever else tells draws apart. */
export interface RandomKey {
  seed: number;
  purpose: Purpose;
  epoch?: number;
  /** Index of the sample or batch. */
  index?: number;
  /** Place of a sample in its batch, below 2²⁴. */
  item?: number;
}

const high = (a: number, b: number): number => {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + ((aLow * bHigh + (middle & 0xffff)) >>> 16)) >>> 0;
};

/** One block: four 32-bit words from a four-word counter and a two-word key. Writes over `counter`. */
export function philox4x32(counter: Uint32Array, key0: number, key1: number): Uint32Array {
  for (let round = 0; round < 10; round++) {
    // By index: taking an array apart costs as much as the round.
    const c0 = counter[0];
    const c1 = counter[1];
    const c2 = counter[2];
    const c3 = counter[3];
    counter[0] = high(0xcd9e8d57, c2) ^ c1 ^ key0;
    counter[1] = Math.imul(0xcd9e8d57, c2);
    counter[2] = high(0xd2511f53, c0) ^ c3 ^ key1;
    counter[3] = Math.imul(0xd2511f53, c0);
    key0 = (key0 + 0x9e3779b9) | 0;
    key1 = (key1 + 0xbb67ae85) | 0;
  }
  return counter;
}

/** A stream of draws under one key. */
export class Random {
  readonly #block = new Uint32Array(4);
  readonly #key: RandomKey;
  #counter = 0;
  #left = 0;

  constructor(key: RandomKey) {
    this.#key = key;
  }

  /** Uniform over the 32-bit unsigned integers. */
  uint32(): number {
    if (this.#left === 0) {
      const { seed, purpose, epoch = 0, index = 0, item = 0 } = this.#key;
      const block = this.#block;
      block[0] = this.#counter++;
      block[1] = index;
      block[2] = epoch;
      block[3] = Math.floor(seed / 0x1_0000_0000);
      philox4x32(block, seed, purpose + item * 256);
      this.#left = 4;
    }
    return this.#block[4 - this.#left--];
  }

  /** Uniform over [0, 1), 32 bits of resolution. */
  float(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /** Uniform over the integers 0 … bound − 1, without modulo bias. `bound` is 1 … 2³². */
  below(bound: number): number {
    for (;;) {
      const draw = this.uint32();
      const rest = draw % bound;
      // Draws from the last multiple of `bound` on are left out: it has no whole `bound` of them up to 2³².
      if (draw - rest <= 0x1_0000_0000 - bound) return rest;
    }
  }

  /** Two independent draws from the standard normal distribution, of two uniform ones (Box and Muller, 1958). */
  normals(): [number, number] {
    // 1 − u is never 0.
    const radius = Math.sqrt(-2 * Math.log(1 - this.float()));
    const angle = 2 * Math.PI * this.float();
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  }

  /** Fisher–Yates, in place. */
  shuffle<T extends { length: number; [index: number]: number }>(items: T): T {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const held = items[i];
      items[i] = items[j];
      items[j] = held;
    }
    return items;
  }
}
