import { Callback } from '../learner/callback.js';
import { CancelFitException } from '../learner/cancel.js';

/** Ends the fit after its first batch, once the other callbacks have seen it. */
export class SingleBatchCB extends Callback {
  override order = 1;

  override afterBatch(): void {
    throw new CancelFitException();
  }
}
