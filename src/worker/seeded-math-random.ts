import { Purpose, Random } from '../random.js';

/**
 * Makes `Math.random` of this thread a seeded stream. tfjs draws from it wherever a layer has no seed of its
 * own (initialisers, dropout), so without this two runs of one command would differ. Threads have a
 * `Math.random` each: nobody else's changes.
 *
 * @returns starts a new stream, keyed by purpose, epoch and index, and gives back how to go on with the one before
 */
export function seedMathRandom(seed: number): (purpose: Purpose, epoch: number, index: number) => () => void {
  let random = new Random({ seed, purpose: Purpose.initialisation });
  Math.random = () => random.float();
  return (purpose, epoch, index) => {
    const before = random;
    random = new Random({ seed, purpose, epoch, index });
    return () => {
      random = before;
    };
  };
}
