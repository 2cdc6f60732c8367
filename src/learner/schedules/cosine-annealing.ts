import type { Optimizer } from '../optimizer.js';
import { demand, StepScheduler } from './scheduler.js';

export interface CosineAnnealingOptions {
  /** Steps from the first rate to the lowest. */
  readonly tMax: number;
  /** Lowest rate. Default 0. */
  readonly etaMin?: number;
}

/**
 * Cosine annealing (Loshchilov and Hutter, "SGDR", ICLR 2017), without restarts: the rate falls from the one found
 * to `etaMin` in `tMax` steps as half a cosine. Steps beyond `tMax` take it up again, as in PyTorch, whose recurrence
 * this is: in closed form etaMin + (lr₀ − etaMin)·(1 + cos(π·t/tMax))/2. Being a recurrence, it keeps what others
 * multiply the rate by.
 */
export class CosineAnnealingLR extends StepScheduler {
  readonly #tMax: number;
  readonly #etaMin: number;

  /** @throws ConfigError */
  constructor(optimizer: Optimizer, { tMax, etaMin = 0 }: CosineAnnealingOptions) {
    super(optimizer);
    demand(Number.isInteger(tMax) && tMax > 0, 'CosineAnnealingLR', 'tMax', 'a whole number above 0', tMax);
    demand(Number.isFinite(etaMin) && etaMin >= 0, 'CosineAnnealingLR', 'etaMin', 'finite and ≥ 0', etaMin);
    this.#tMax = tMax;
    this.#etaMin = etaMin;
  }

  protected override rate(lastLr: number, baseLr: number): number {
    const etaMin = this.#etaMin;
    // At the lowest point the recurrence would divide by 0.
    if ((this.steps - 1 - this.#tMax) % (2 * this.#tMax) === 0)
      return lastLr + ((baseLr - etaMin) * (1 - Math.cos(Math.PI / this.#tMax))) / 2;
    const height = (step: number): number => 1 + Math.cos((Math.PI * step) / this.#tMax);
    return (height(this.steps) / height(this.steps - 1)) * (lastLr - etaMin) + etaMin;
  }
}
