import type { Batch } from '../protocol/batch.js';
import type { Predictions, StepRunner } from '../protocol/step-runner.js';
import type { Callback } from './callback.js';
import { addCallbacks, type CallbackClass, removeCallbacks } from './callback-list.js';
import { CancelFitException } from './cancel.js';
import { checkCallback } from './hook-names.js';
import type { BatchResult, LearnerOptions } from './learner-options.js';
import type { LearningRate } from './learning-rate.js';
import type { BatchLoader, Epochs, Loaders } from './loaders.js';
import type { MetricsRow, MetricsSource } from './metrics-row.js';
import { type OptFunc, type Optimizer, sgd } from './optimizer.js';
import { type Position, type ResumePoint, startOf } from './position.js';

/** All that a fit is made of and knows, where callbacks read and replace it. The loop is in `learner.ts`. */
export abstract class LearnerState {
  readonly runner: StepRunner;
  readonly dls: Loaders;
  readonly clock: () => number;
  readonly signal?: AbortSignal;
  lr: LearningRate;
  cbs: Callback[];
  optFunc: OptFunc | null;
  stopOnNonFinite: boolean;

  opt!: Optimizer;
  /** First parameter group that learns; see `freezeTo`. */
  frozenTo?: number;
  /** Whether phases are part of a fit; not in `runValidation`. */
  fitting = true;
  nEpochs = 0;
  epochs: Epochs = [];
  /** From 0. */
  epoch = 0;
  training = false;
  dl!: BatchLoader;
  /** Number of the batch in its phase, from 0. */
  iter = 0;
  batch!: Batch;
  /** Of this batch, if a callback has `needsPredictions`. Valid until the next batch. */
  preds?: Predictions;
  /** Of this batch, once its loss is known. */
  result?: BatchResult;
  /** Whether this batch ended in an optimizer step. */
  stepped = false;
  /** Optimizer steps done since the Learner was made. */
  globalStep = 0;
  /** What of this fit is done: from `afterBatch` on the batch counts, from `afterEpoch` on the phase. */
  position: Position = startOf(0);
  /**
   * Whether weights, optimizer and callbacks stand as `position` says: while the next batch is awaited, and where
   * replicas failed in a batch, which the others take back.
   */
  atRest = false;
  /** Where this fit went on, if it resumes another one. */
  resumed?: ResumePoint;
  /** The error that ends this fit, known in its cleanup events. */
  failure?: unknown;
  /** The `MetricsCB` of this fit, if any. */
  metrics?: MetricsSource;
  /** What the last phase came to, where there is a `MetricsCB`. */
  lastRow?: MetricsRow;
  /** Devices in replica order, if a `DeviceCB` is there. */
  devices?: readonly string[];
  /** Whether the signal ended the last fit. */
  stopped = false;
  /** Why `stop` ended the last fit, if it did; or the signal, if its reason is a text. */
  stopReason?: string;

  /** @throws CallbackError */
  constructor(runner: StepRunner, dls: Loaders, options: LearnerOptions = {}) {
    const { lr = 0.1, cbs = [], optFunc = sgd(), stopOnNonFinite = true } = options;
    cbs.forEach(checkCallback);
    this.runner = runner;
    this.dls = dls;
    this.lr = lr;
    this.cbs = [...cbs];
    this.optFunc = optFunc;
    this.signal = options.signal;
    this.stopOnNonFinite = stopOnNonFinite;
    this.clock = options.clock ?? (() => performance.now());
  }

  /** Mean loss over the samples of this batch; NaN before it is known. */
  get loss(): number {
    return this.result ? this.result.loss.sum / this.result.loss.count : Number.NaN;
  }

  /** Whether some callback wants `preds`. */
  get needsPredictions(): boolean {
    return this.cbs.some(callback => callback.needsPredictions);
  }

  /** Optimizer steps of one training epoch. */
  get stepsPerEpoch(): number {
    const batchesPerStep = Math.max(1, ...this.cbs.map(callback => callback.batchesPerStep ?? 1));
    const all = this.dls.train.length;
    const batches = this.cbs.reduce((length, callback) => callback.trainBatches?.(length) ?? length, all);
    return Math.ceil(batches / batchesPerStep);
  }

  /** Adds callbacks for good. @throws CallbackError */
  add(...cbs: Callback[]): this {
    addCallbacks(this.cbs, cbs);
    return this;
  }

  /** Takes callbacks out: each of those given, and all instances of a class. */
  remove(...cbs: (Callback | CallbackClass)[]): this {
    removeCallbacks(this.cbs, cbs);
    return this;
  }

  /** The first callback of this class. */
  find<T extends Callback>(kind: CallbackClass<T>): T | undefined {
    return this.cbs.find((callback): callback is T => callback instanceof kind);
  }

  /** Runs `fn` with these callbacks added. */
  async withCbs<T>(cbs: readonly Callback[], fn: () => Promise<T>): Promise<T> {
    addCallbacks(this.cbs, cbs);
    try {
      return await fn();
    } finally {
      removeCallbacks(this.cbs, cbs);
    }
  }

  /** Ends the fit from within an event, as a `CancelFitException` does, and says why. */
  stop(reason: string): never {
    this.stopReason = reason;
    throw new CancelFitException(reason);
  }

  /** Takes in what a batch came to. For whatever supplies `getLoss`. */
  accept(result: BatchResult): void {
    this.result = result;
    this.preds = result.predictions;
  }
}
