import { addMethods } from './extend.js';
import type { Learner } from './learner.js';

declare module './learner.js' {
  interface Learner {
    /**
     * Freezes the parameter groups before number `first` (from the end if negative), now and in later fits: their
     * parameters, moments and counts of steps stand still. The others learn. Moving statistics go on moving.
     *
     * @throws ConfigError if the optimizer has no such group; before the first fit, then
     */
    freezeTo(first: number): void;
    /** Lets only the last group learn. */
    freeze(): void;
    /** Lets all groups learn. */
    unfreeze(): void;
  }
}

function freezeTo(this: Learner, first: number): void {
  this.opt?.freezeTo(first);
  this.frozenTo = first;
}

addMethods({
  freezeTo,
  freeze(this: Learner) {
    this.freezeTo(-1);
  },
  unfreeze(this: Learner) {
    this.freezeTo(0);
  },
});
