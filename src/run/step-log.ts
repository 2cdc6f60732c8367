import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';
import { progressOf } from './progress-events.js';
import type { Logger } from './run-log.js';

const recordEveryMs = 10_000;

/** Knows how many steps are done, for all records of the log, and notes there now and then how far the run is. */
export class StepLogCB extends Callback {
  /** Optimizer steps done; undefined before the fit. */
  stepsDone?: number;
  readonly #log: Pick<Required<Logger>, 'debug'>;
  #notedMs = 0;

  constructor(log: Pick<Required<Logger>, 'debug'>) {
    super();
    this.#log = log;
  }

  override beforeFit(learn: Learner): void {
    this.stepsDone = learn.globalStep;
    this.#notedMs = learn.clock();
  }

  override afterBatch(learn: Learner): void {
    this.stepsDone = learn.globalStep;
    const now = learn.clock();
    if (now - this.#notedMs < recordEveryMs) return;
    this.#notedMs = now;
    const progress = progressOf(learn);
    const { epoch, phase, batch, batches } = progress;
    this.#log.debug(
      { event: 'progress', ...progress },
      `epoch ${epoch}, ${phase} batch ${batch} of ${batches}`,
    );
  }
}
