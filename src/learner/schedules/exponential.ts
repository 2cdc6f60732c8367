import type { Optimizer } from '../optimizer.js';
import { demand, StepScheduler } from './scheduler.js';

/** Multiplies every rate by `gamma` at each step, as PyTorch's `ExponentialLR`. */
export class ExponentialLR extends StepScheduler {
  readonly #gamma: number;

  /** @throws ConfigError */
  constructor(optimizer: Optimizer, { gamma }: { readonly gamma: number }) {
    super(optimizer);
    demand(Number.isFinite(gamma) && gamma > 0, 'ExponentialLR', 'gamma', 'finite and above 0', gamma);
    this.#gamma = gamma;
  }

  protected override rate(lastLr: number): number {
    return lastLr * this.#gamma;
  }
}
