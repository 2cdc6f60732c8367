/** The seed of whatever is made without one of its own. */
import { ConfigError } from './errors.js';

const initial = 42;
let current = initial;

/**
 * Makes `seed` the default of every coordinator, loader, sampler and split made from now on in this process; those that
 * are there already keep theirs. Every random number of gradring (weights, shuffling, augmentation, dropout) comes
 * from such a seed, so this is all there is to set: no other generator is touched, `Math.random` of this thread neither.
 *
 * @throws ConfigError
 */
export function setSeed(seed: number): void {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new ConfigError(`a seed is a whole number ≥ 0, not ${seed}`, { where: 'setSeed' });
  current = seed;
}

/** 42, unless `setSeed` was called. */
export const defaultSeed = (): number => current;
