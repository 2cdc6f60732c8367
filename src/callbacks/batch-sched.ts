import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';
import type { Optimizer } from '../learner/optimizer.js';
import type { Scheduler, SchedulerState } from '../learner/schedules/scheduler.js';

/**
 * Steps a scheduler after every optimizer step. It is made anew for each fit, since the optimizer is: `totalSteps` is
 * the number of optimizer steps of the whole fit. A batch without one, cancelled or accumulated, does not step. A
 * fit that starts late starts late in the schedule.
 */
export class BatchSchedCB extends Callback {
  override readonly fitOnly = true;
  readonly #make: (opt: Optimizer, totalSteps: number) => Scheduler;
  #scheduler?: Scheduler;

  constructor(sched: (opt: Optimizer, totalSteps: number) => Scheduler) {
    super();
    this.#make = sched;
  }

  override beforeFit(learn: Learner): void {
    this.#scheduler = this.#make(learn.opt, learn.nEpochs * learn.stepsPerEpoch);
    const done = (learn.nEpochs - learn.epochs.length) * learn.stepsPerEpoch;
    for (let step = 0; step < done; step++) this.#scheduler.step();
  }

  override afterBatch(learn: Learner): void {
    if (learn.stepped) this.#scheduler?.step();
  }

  override saveState(): unknown {
    return this.#scheduler?.state();
  }

  override restoreState(state: unknown): void {
    if (state) this.#scheduler?.restore(state as SchedulerState);
  }
}
