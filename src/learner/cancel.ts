/**
 * Exceptions by which a callback skips the rest of a batch, a phase or the fit. Each is caught by its own scope
 * only; raised outside it (`CancelBatchException` in `beforeEpoch`, say) it escapes `fit` as any error does.
 */
export abstract class CancelException extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

/** Skips the rest of this batch, `afterBatch` included. */
export class CancelBatchException extends CancelException {}

/**
 * Raised in `afterBackward`: skips the optimizer step of this batch, `afterStep` and `zeroGrad`, so that its gradients
 * are kept. `afterBatch` still runs.
 */
export class CancelStepException extends CancelException {}

/** Skips the rest of this phase (train or valid), `afterEpoch` included. Raised in train, valid still runs. */
export class CancelEpochException extends CancelException {}

/** Ends the fit: no `after…` event runs on the way out, and `fit` returns normally. */
export class CancelFitException extends CancelException {}
