import type { Optimizer } from '../optimizer.js';
import { demand, StepScheduler, writeRates } from './scheduler.js';

export interface LinearOptions {
  /** The first rate is this part of the one found. Default 1/3. */
  readonly startFactor?: number;
  /** The last rate is this part of the one found. Default 1. */
  readonly endFactor?: number;
  /** Steps from the first rate to the last, where it stays. Default 5. */
  readonly totalIters?: number;
}

/** From one part of the rate to another in a straight line, as PyTorch's `LinearLR`: for a warm-up. */
export class LinearLR extends StepScheduler {
  readonly #start: number;
  readonly #end: number;
  readonly #total: number;

  /** @throws ConfigError */
  constructor(
    optimizer: Optimizer,
    { startFactor = 1 / 3, endFactor = 1, totalIters = 5 }: LinearOptions = {},
  ) {
    super(optimizer);
    const isShare = (value: number): boolean => value >= 0 && value <= 1;
    demand(
      startFactor > 0 && isShare(startFactor),
      'LinearLR',
      'startFactor',
      'above 0, at most 1',
      startFactor,
    );
    demand(isShare(endFactor), 'LinearLR', 'endFactor', 'between 0 and 1', endFactor);
    const whole = Number.isInteger(totalIters) && totalIters > 0;
    demand(whole, 'LinearLR', 'totalIters', 'a whole number above 0', totalIters);
    this.#start = startFactor;
    this.#end = endFactor;
    this.#total = totalIters;
    writeRates(
      optimizer,
      this.baseLrs.map(lr => this.firstRate(lr)),
    );
  }

  protected override firstRate(baseLr: number): number {
    return baseLr * this.#start;
  }

  protected override rate(lastLr: number): number {
    if (this.steps > this.#total) return lastLr;
    const rise = this.#end - this.#start;
    return lastLr * (1 + rise / (this.#total * this.#start + (this.steps - 1) * rise));
  }
}
