import { ConfigError, DivergedError, LearnerError } from '../errors.js';
import type { Batch } from '../protocol/batch.js';
import type { Predictions, StepRunner } from '../protocol/step-runner.js';
import type { Callback } from './callback.js';
import { CancelFitException } from './cancel.js';
import { type StepEvent, stepEvents } from './events.js';
import { checkCallback } from './hook-names.js';
import type { BatchResult, FitOptions, LearnerOptions } from './learner-options.js';
import type { BatchLoader, Epochs, Loaders } from './loaders.js';
import type { MetricsSource } from './metrics-row.js';
import { type OptFunc, type Optimizer, sgd } from './optimizer.js';
import { inScope, runCallbacks } from './run-callbacks.js';
import { canFuse, checkSteps, fusedStep } from './training-step.js';

/**
 * The training loop, after miniai's. All state stands on the Learner, where callbacks read and replace it; the
 * loop looks at `epochs`, `dl` and `batch` only after the event that may replace them.
 */
export class Learner {
  readonly runner: StepRunner;
  readonly dls: Loaders;
  readonly clock: () => number;
  readonly signal?: AbortSignal;
  lr: number;
  cbs: Callback[];
  optFunc: OptFunc | null;
  stopOnNonFinite: boolean;

  opt!: Optimizer;
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
  /** Optimizer steps done since the Learner was made. */
  globalStep = 0;
  /** The `MetricsCB` of this fit, if any. */
  metrics?: MetricsSource;
  /** Devices in replica order, if a `DeviceCB` is there. */
  devices?: readonly string[];
  /** Whether the signal ended the last fit. */
  stopped = false;

  #running = false;
  #fused = false;

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

  /** Takes in what a batch came to. For whatever supplies `getLoss`. */
  accept(result: BatchResult): void {
    this.result = result;
    this.preds = result.predictions;
  }

  /**
   * Trains and validates for `nEpochs` epochs. Opens the replicas if need be, and gives them a new optimizer.
   *
   * @throws LearnerError, ConfigError, CallbackError before anything runs, when it is misused
   * @throws DivergedError when the training loss is NaN or infinite
   */
  async fit(nEpochs = 1, { train = true, valid = true, cbs = [], lr }: FitOptions = {}): Promise<void> {
    if (this.#running)
      throw new LearnerError('fit was called inside a running fit.', { hint: 'await the first one' });
    if (!Number.isInteger(nEpochs) || nEpochs < 0)
      throw new ConfigError(`nEpochs must be a whole number ≥ 0, not ${nEpochs}.`, { where: 'fit' });
    this.#running = true;
    this.cbs.push(...cbs);
    try {
      this.cbs.forEach(checkCallback);
      checkSteps(this.cbs, this.#overridden(), train);
      this.nEpochs = nEpochs;
      this.epochs = Array.from({ length: nEpochs }, (_, epoch) => epoch);
      this.stopped = false;
      this.metrics = undefined;
      await this.runner.open();
      await this.#setOptimizer(lr);
      await inScope(this, 'fit', () => this.#allEpochs(train, valid));
    } finally {
      this.#remove(cbs);
      this.#running = false;
    }
  }

  /** Takes out the last occurrence of each, if it has not taken itself out. */
  #remove(cbs: readonly Callback[]): void {
    for (const callback of cbs) {
      const index = this.cbs.lastIndexOf(callback);
      if (index >= 0) this.cbs.splice(index, 1);
    }
  }

  async #allEpochs(train: boolean, valid: boolean): Promise<void> {
    for (const epoch of this.epochs) {
      this.epoch = epoch;
      if (train) await this.#oneEpoch(true);
      if (valid) await this.#oneEpoch(false);
    }
  }

  async #oneEpoch(training: boolean): Promise<void> {
    this.#stopIfAborted();
    this.training = training;
    this.dl = training ? this.dls.train : this.dls.valid;
    await inScope(this, 'epoch', () => this.#allBatches());
  }

  async #allBatches(): Promise<void> {
    this.#fused = canFuse(this.cbs, this.#overridden());
    let iter = 0;
    // However the loop ends, for-await closes the loader, which frees its slots.
    for await (const batch of this.dl) {
      this.#stopIfAborted();
      this.iter = iter++;
      this.batch = batch;
      this.preds = undefined;
      this.result = undefined;
      await inScope(this, 'batch', () => (this.#fused ? this.#fusedBatch() : this.#oneBatch()));
      this.#stopIfAborted();
    }
  }

  async #oneBatch(): Promise<void> {
    await this.predict();
    await runCallbacks(this, 'afterPredict');
    await this.getLoss();
    this.#checkLoss();
    await runCallbacks(this, 'afterLoss');
    if (!this.training) return;
    await this.backward();
    await runCallbacks(this, 'afterBackward');
    await this.step();
    this.globalStep++;
    await runCallbacks(this, 'afterStep');
    await this.zeroGrad();
  }

  async #fusedBatch(): Promise<void> {
    await fusedStep(this);
    this.#checkLoss();
    if (this.training) this.globalStep++;
  }

  // The five steps. A subclass may override them; as they stand, callbacks supply them.

  async predict(): Promise<void> {
    await runCallbacks(this, 'predict');
  }
  async getLoss(): Promise<void> {
    await runCallbacks(this, 'getLoss');
  }
  async backward(): Promise<void> {
    await runCallbacks(this, 'backward');
  }
  async step(): Promise<void> {
    await runCallbacks(this, 'step');
  }
  async zeroGrad(): Promise<void> {
    await runCallbacks(this, 'zeroGrad');
  }

  #overridden(): StepEvent[] {
    return stepEvents.filter(event => this[event] !== Learner.prototype[event]);
  }

  async #setOptimizer(lr: number | undefined): Promise<void> {
    if (this.optFunc) {
      this.opt = this.optFunc(this.runner.parameters, lr ?? this.lr);
      await this.runner.setOptimizer(this.opt.spec);
    } else if (!this.opt)
      throw new LearnerError('There is no optimizer to keep.', {
        where: 'optFunc: null',
        hint: 'give an optFunc for the first fit, and set learn.optFunc = null after it',
      });
    else if (lr !== undefined)
      throw new LearnerError('lr would have no effect: the optimizer of the last fit is kept.', {
        where: 'fit lr, optFunc: null',
        hint: 'set learn.opt.paramGroups[…].lr',
      });
  }

  /** NaN never goes away again: every later step would be wasted. */
  #checkLoss(): void {
    if (!this.training || !this.stopOnNonFinite) return;
    if (!this.result)
      throw new LearnerError('getLoss gave no result.', {
        where: 'getLoss',
        hint: 'whatever supplies getLoss must hand its result to learn.accept',
      });
    if (Number.isFinite(this.loss)) return;
    const step = this.globalStep + 1;
    throw new DivergedError(`The training loss is ${this.loss}.`, {
      where: `epoch ${this.epoch + 1}, step ${step}`,
      step,
      hint: 'lower the learning rate, or warm it up; check the inputs for NaN and the labels for their range',
    });
  }

  #stopIfAborted(): void {
    if (!this.signal?.aborted) return;
    this.stopped = true;
    throw new CancelFitException();
  }
}
