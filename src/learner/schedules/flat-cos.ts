import type { Optimizer } from '../optimizer.js';
import { demand, StepScheduler } from './scheduler.js';

export interface FlatCosOptions {
  /** Steps of the whole schedule. */
  readonly totalSteps: number;
  /** Share of the steps with the full rate, 0 … 1. Default 0.75. */
  readonly pctStart?: number;
  /** The rate falls towards the first one divided by this. Default 1e5. */
  readonly divFinal?: number;
}

/**
 * The full rate for most of the training, then half a cosine downwards: fast.ai's `fit_flat_cos`. Step i of N is
 * trained with the value of the curve at i/N, so that its end itself is not reached. Steps beyond N stay there.
 */
export class FlatCosLR extends StepScheduler {
  readonly #totalSteps: number;
  readonly #pctStart: number;
  readonly #divFinal: number;

  /** @throws ConfigError */
  constructor(optimizer: Optimizer, { totalSteps, pctStart = 0.75, divFinal = 1e5 }: FlatCosOptions) {
    super(optimizer);
    const whole = Number.isInteger(totalSteps) && totalSteps > 0;
    demand(whole, 'FlatCosLR', 'totalSteps', 'a whole number above 0', totalSteps);
    demand(pctStart >= 0 && pctStart <= 1, 'FlatCosLR', 'pctStart', 'between 0 and 1', pctStart);
    demand(divFinal > 0, 'FlatCosLR', 'divFinal', 'above 0', divFinal);
    this.#totalSteps = totalSteps;
    this.#pctStart = pctStart;
    this.#divFinal = divFinal;
  }

  protected override rate(_lastLr: number, baseLr: number): number {
    const position = Math.min(1, this.steps / this.#totalSteps);
    if (position < this.#pctStart || this.#pctStart === 1) return baseLr;
    const share = (position - this.#pctStart) / (1 - this.#pctStart);
    const last = baseLr / this.#divFinal;
    return baseLr + ((1 + Math.cos(Math.PI * (1 - share))) * (last - baseLr)) / 2;
  }
}
