import { Callback } from '../learner/callback.js';
import { CancelEpochException, CancelFitException } from '../learner/cancel.js';

/**
 * Ends the fit after its first batch, once the other callbacks have seen it; with `perPhase` each phase, so that
 * one batch is trained and one validated an epoch. There is no row of metrics: the phase was cancelled.
 */
export class SingleBatchCB extends Callback {
  override order = 1;
  override readonly fitOnly = true;
  readonly #perPhase: boolean;

  constructor({ perPhase = false }: { perPhase?: boolean } = {}) {
    super();
    this.#perPhase = perPhase;
  }

  override afterBatch(): void {
    throw this.#perPhase ? new CancelEpochException() : new CancelFitException();
  }
}
