import type { Learner } from './learner.js';

type Done = void | Promise<void>;

/**
 * Base class of callbacks: implement the events you need. Every event is awaited, and gets the Learner, whose
 * state it may read and replace. Raise a `Cancel…Exception` (`cancel.ts`) to skip what is left of a scope.
 * The order of the events and what a cancel skips are drawn in `docs/lifecycle.md`.
 *
 * A method that looks like an event but is none (`beforeBatches`) is refused; make helpers `#private`.
 */
export abstract class Callback {
  /** Callbacks run in ascending order; those of equal order run as listed, fit-time ones last. */
  order = 0;

  /** Whether `learn.preds` must hold the predictions of each batch: they are not fetched unasked. */
  readonly needsPredictions: boolean = false;

  /** Whether it acts on the course of a fit, and has no part in a validation by itself (`learn.validate`). */
  readonly fitOnly: boolean = false;

  /** Of how many batches it makes one optimizer step. */
  readonly batchesPerStep?: number;

  /** To how many it limits the `length` training batches of an epoch. */
  trainBatches?(length: number): number;

  /** Under which a checkpoint keeps its state. Two callbacks with a state need two names. */
  get stateName(): string {
    return this.constructor.name;
  }
  /** What a resumed fit must know, as JSON. Called between two batches or phases. */
  saveState?(learn: Learner): unknown;
  /** Takes back what `saveState` gave; called after `beforeFit`. */
  restoreState?(state: unknown, learn: Learner): Done;

  /**
   * false while it has put other weights in the place of those trained, such as an average: what stands on the replicas
   * is then not what `learn.position` says.
   */
  get atRest(): boolean {
    return true;
  }

  /** Whether its five steps are exactly those of the runner, so that they can be done as one. `TrainCB` says so. */
  get isStockStep(): boolean {
    return false;
  }

  /** The replicas are open and the optimizer is new; `epochs` may be replaced. */
  beforeFit?(learn: Learner): Done;
  /** A phase (train or valid) begins; `dl` may be replaced. */
  beforeEpoch?(learn: Learner): Done;
  /** A batch has arrived; `batch` may be replaced. */
  beforeBatch?(learn: Learner): Done;
  /** Supplies the forward pass. */
  predict?(learn: Learner): Done;
  /** The forward pass is done. */
  afterPredict?(learn: Learner): Done;
  /** Supplies the loss; must hand its result to `learn.accept`. */
  getLoss?(learn: Learner): Done;
  /** `learn.loss` is this batch's. */
  afterLoss?(learn: Learner): Done;
  /** Supplies the backward pass, gradients reduced over the replicas (training only). */
  backward?(learn: Learner): Done;
  /** The gradients are final (training only). */
  afterBackward?(learn: Learner): Done;
  /** Supplies the optimizer step (training only). */
  step?(learn: Learner): Done;
  /** The parameters are updated (training only). */
  afterStep?(learn: Learner): Done;
  /** Supplies the clearing of the gradients (training only). */
  zeroGrad?(learn: Learner): Done;
  /** The batch was done in full. */
  afterBatch?(learn: Learner): Done;
  /** The batch is over, however it ended. */
  cleanupBatch?(learn: Learner): Done;
  /** The phase was done in full. */
  afterEpoch?(learn: Learner): Done;
  /** The phase is over, however it ended; its loader is closed. */
  cleanupEpoch?(learn: Learner): Done;
  /** The fit was done in full. */
  afterFit?(learn: Learner): Done;
  /** The fit is over, however it ended: put back here what `beforeFit` changed. */
  cleanupFit?(learn: Learner): Done;
}
