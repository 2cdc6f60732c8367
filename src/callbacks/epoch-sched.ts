import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';
import type { Optimizer } from '../learner/optimizer.js';
import type { Scheduler, SchedulerState } from '../learner/schedules/scheduler.js';

/**
 * Steps a scheduler after every training phase. It is made anew for each fit, since the optimizer is. A phase that
 * was cancelled does not step. A fit that starts late starts late in the schedule.
 */
export class EpochSchedCB extends Callback {
  override readonly fitOnly = true;
  readonly #make: (opt: Optimizer, nEpochs: number) => Scheduler;
  #scheduler?: Scheduler;

  constructor(sched: (opt: Optimizer, nEpochs: number) => Scheduler) {
    super();
    this.#make = sched;
  }

  override beforeFit(learn: Learner): void {
    this.#scheduler = this.#make(learn.opt, learn.nEpochs);
    const done = learn.nEpochs - learn.epochs.length;
    for (let epoch = 0; epoch < done; epoch++) this.#scheduler.step();
  }

  override afterEpoch(learn: Learner): void {
    if (learn.training) this.#scheduler?.step();
  }

  override saveState(): unknown {
    return this.#scheduler?.state();
  }

  override restoreState(state: unknown): void {
    if (state) this.#scheduler?.restore(state as SchedulerState);
  }
}
