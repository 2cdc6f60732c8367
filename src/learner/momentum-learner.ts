import { ConfigError } from '../errors.js';
import type { StepRunner } from '../protocol/step-runner.js';
import type { LearnerOptions } from './learner-options.js';
import type { Loaders } from './loaders.js';
import { TrainLearner } from './train-learner.js';

export interface MomentumLearnerOptions extends LearnerOptions {
  /** Share of the gradients that is kept from step to step, 0 … 1. Default 0.85. */
  readonly mom?: number;
}

/**
 * Momentum without memory: instead of clearing the gradients after a step, it multiplies them by `mom`, and the next
 * batch's are added. With `sgd()` this is PyTorch's undamped momentum (`sgd({ momentum: mom })`), in the end
 * lr/(1 − mom) times the gradient. What is kept outlives the fit, and clipping would clip it.
 */
export class MomentumLearner extends TrainLearner {
  readonly mom: number;

  /** @throws ConfigError, CallbackError */
  constructor(runner: StepRunner, dls: Loaders, { mom = 0.85, ...options }: MomentumLearnerOptions = {}) {
    super(runner, dls, options);
    if (!(mom >= 0 && mom < 1))
      throw new ConfigError(`mom must be a number, 0 ≤ mom < 1, not ${mom}.`, { where: 'MomentumLearner' });
    this.mom = mom;
  }

  override async zeroGrad(): Promise<void> {
    await this.runner.zeroGrad(this.mom);
  }
}
