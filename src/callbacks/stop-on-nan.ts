import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';
import { metricsOf } from '../learner/metrics-row.js';

/**
 * Ends the fit quietly, with a `stopReason`, when the loss of a batch or a metric of a phase is not finite. Without
 * it the Learner raises `DivergedError` for the training loss. The step of that batch has been made: go back to a
 * checkpoint.
 */
export class StopOnNaNCB extends Callback {
  /** Last of all: the others are to see the batch or the row before it ends the fit. */
  override order = 2000;
  override readonly fitOnly = true;
  #stopOnNonFinite?: boolean;

  override beforeFit(learn: Learner): void {
    this.#stopOnNonFinite = learn.stopOnNonFinite;
    learn.stopOnNonFinite = false;
  }

  override afterBatch(learn: Learner): void {
    if (!Number.isFinite(learn.loss)) this.#stop(learn, `the loss is ${learn.loss}`);
  }

  override afterEpoch(learn: Learner): void {
    const row = learn.metrics ? learn.lastRow : undefined;
    const odd = row && metricsOf(row).find(([, value]) => !Number.isFinite(value));
    if (odd) this.#stop(learn, `${odd[0]} is ${odd[1]}`);
  }

  override cleanupFit(learn: Learner): void {
    if (this.#stopOnNonFinite !== undefined) learn.stopOnNonFinite = this.#stopOnNonFinite;
    this.#stopOnNonFinite = undefined;
  }

  #stop(learn: Learner, what: string): never {
    const phase = learn.training ? 'training' : 'validation';
    learn.stop(`${what} in ${phase}, epoch ${learn.epoch + 1}, step ${learn.globalStep}`);
  }
}
