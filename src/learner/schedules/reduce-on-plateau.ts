import type { Optimizer } from '../optimizer.js';
import { countIn, demand, type SchedulerState } from './scheduler.js';

export interface ReduceOnPlateauOptions {
  /** Whether the quantity should fall or rise. Default `min`. */
  readonly mode?: 'min' | 'max';
  /** What the rate is multiplied by, below 1. Default 0.1. */
  readonly factor?: number;
  /** Epochs without improvement that are borne; the one after them reduces the rate. Default 10. */
  readonly patience?: number;
  /** By how much a value must beat the best to count as better. Default 1e-4. */
  readonly threshold?: number;
  /** Whether `threshold` is a part of the best value (`rel`, default) or an amount (`abs`). */
  readonly thresholdMode?: 'rel' | 'abs';
  /** Epochs after a reduction in which none is counted as bad. Default 0. */
  readonly cooldown?: number;
  /** Lowest rate: one number, or one per group. Default 0. */
  readonly minLr?: number | readonly number[];
  /** Smaller changes of the rate are not made. Default 1e-8. */
  readonly eps?: number;
}

/** Reduces the rate when a quantity has stopped improving, by the rules of PyTorch's `ReduceLROnPlateau`. */
export class ReduceLROnPlateau {
  readonly #optimizer: Optimizer;
  readonly #options: Required<Omit<ReduceOnPlateauOptions, 'minLr'>>;
  readonly #minLrs: readonly number[];
  #best: number;
  #badEpochs = 0;
  #coolingDown = 0;

  /** @throws ConfigError */
  constructor(optimizer: Optimizer, options: ReduceOnPlateauOptions = {}) {
    const { mode = 'min', factor = 0.1, patience = 10, threshold = 1e-4 } = options;
    const { thresholdMode = 'rel', cooldown = 0, minLr = 0, eps = 1e-8 } = options;
    const check = (holds: boolean, name: string, expected: string, got: unknown) =>
      demand(holds, 'ReduceLROnPlateau', name, expected, got);
    check(mode === 'min' || mode === 'max', 'mode', "'min' or 'max'", mode);
    check(factor >= 0 && factor < 1, 'factor', '≥ 0 and below 1', factor);
    check(Number.isInteger(patience) && patience >= 0, 'patience', 'a whole number ≥ 0', patience);
    check(Number.isFinite(threshold), 'threshold', 'a finite number', threshold);
    check(['rel', 'abs'].includes(thresholdMode), 'thresholdMode', "'rel' or 'abs'", thresholdMode);
    check(Number.isInteger(cooldown) && cooldown >= 0, 'cooldown', 'a whole number ≥ 0', cooldown);
    check(eps >= 0, 'eps', '≥ 0', eps);
    const groups = optimizer.paramGroups.length;
    this.#minLrs = typeof minLr === 'number' ? Array<number>(groups).fill(minLr) : minLr;
    const fits = this.#minLrs.length === groups && this.#minLrs.every(lr => lr >= 0);
    check(fits, 'minLr', `one number ≥ 0, or ${groups}, one for each group`, minLr);
    this.#optimizer = optimizer;
    this.#options = { mode, factor, patience, threshold, thresholdMode, cooldown, eps };
    this.#best = mode === 'min' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  }

  /**
   * Takes in the quantity of one more epoch. NaN is no improvement.
   *
   * @returns whether the rate was reduced
   */
  step(value: number): boolean {
    if (this.#isBetter(value)) {
      this.#best = value;
      this.#badEpochs = 0;
    } else this.#badEpochs++;
    if (this.#coolingDown > 0) {
      this.#coolingDown--;
      this.#badEpochs = 0;
    }
    if (this.#badEpochs <= this.#options.patience) return false;
    this.#coolingDown = this.#options.cooldown;
    this.#badEpochs = 0;
    this.#reduce();
    return true;
  }

  getLastLr(): number[] {
    return this.#optimizer.paramGroups.map(({ lr }) => lr);
  }

  /** As JSON. The rates are not in it: they are the optimizer's, and kept with it. */
  state(): SchedulerState {
    // JSON has no infinity: before the first epoch there is no best.
    const best = Number.isFinite(this.#best) ? this.#best : null;
    return { best, badEpochs: this.#badEpochs, coolingDown: this.#coolingDown };
  }

  /** @throws ConfigError if it is not the state of such a schedule */
  restore(state: SchedulerState): void {
    const where = 'ReduceLROnPlateau';
    const { best } = state;
    demand(best === null || Number.isFinite(best), where, 'state.best', 'a number or null', best);
    const badEpochs = countIn(state, 'badEpochs', where);
    const coolingDown = countIn(state, 'coolingDown', where);
    if (best !== null) this.#best = best as number;
    this.#badEpochs = badEpochs;
    this.#coolingDown = coolingDown;
  }

  #isBetter(value: number): boolean {
    const { mode, threshold, thresholdMode } = this.#options;
    const sign = mode === 'min' ? -1 : 1;
    const mark =
      thresholdMode === 'rel' ? this.#best * (1 + sign * threshold) : this.#best + sign * threshold;
    return mode === 'min' ? value < mark : value > mark;
  }

  #reduce(): void {
    const { factor, eps } = this.#options;
    this.#optimizer.paramGroups.forEach((group, i) => {
      const reduced = Math.max(group.lr * factor, this.#minLrs[i]);
      if (group.lr - reduced > eps) group.lr = reduced;
    });
  }
}
