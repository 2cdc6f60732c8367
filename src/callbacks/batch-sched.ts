import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';
import type { Optimizer } from '../learner/optimizer.js';
import type { Scheduler } from '../learner/schedules.js';

/**
 * Steps a scheduler after every batch that ended in an optimizer step. It is made anew for each fit, since the optimizer is: `totalSteps`
 * is the number of optimizer steps of the whole fit. A batch without one, cancelled or accumulated, does not step.
 */
export class BatchSchedCB extends Callback {
  readonly #make: (opt: Optimizer, totalSteps: number) => Scheduler;
  #scheduler?: Scheduler;

  constructor(sched: (opt: Optimizer, totalSteps: number) => Scheduler) {
    super();
    this.#make = sched;
  }

  override beforeFit(learn: Learner): void {
    this.#scheduler = this.#make(learn.opt, learn.nEpochs * learn.stepsPerEpoch);
  }

  override afterBatch(learn: Learner): void {
    if (learn.stepped) this.#scheduler?.step();
  }
}
