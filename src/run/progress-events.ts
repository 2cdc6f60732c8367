import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';
import type { RunProgress } from './run-events.js';

/** Time between two reports, in ms. */
const intervalMs = 250;

/** Reports how far a fit is, after a batch, four times a second at most. */
export class ProgressEventsCB extends Callback {
  /** When the others have seen the batch. */
  override order = 1000;
  override readonly fitOnly = true;
  readonly #report: (progress: RunProgress) => void;
  #reportedAt = Number.NEGATIVE_INFINITY;

  constructor(report: (progress: RunProgress) => void) {
    super();
    this.#report = report;
  }

  override afterBatch(learn: Learner): void {
    const now = learn.clock();
    if (now - this.#reportedAt < intervalMs) return;
    this.#reportedAt = now;
    this.#report(progressOf(learn));
  }
}

/** How far a fit is, once a batch is done. */
export function progressOf({ epoch, iter, dl, globalStep, loss, training }: Learner): RunProgress {
  return {
    epoch: epoch + 1,
    batch: iter + 1,
    batches: dl.length,
    step: globalStep,
    loss: Number.isFinite(loss) ? loss : null,
    phase: training ? 'train' : 'valid',
  };
}
