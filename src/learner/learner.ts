import { ConfigError, LearnerError } from '../errors.js';
import type { Batch } from '../protocol/batch.js';
import type { Predictions, StepRunner } from '../protocol/step-runner.js';
import type { Callback } from './callback.js';
import { addCallbacks, type CallbackClass, removeCallbacks } from './callback-list.js';
import { CancelFitException, CancelStepException } from './cancel.js';
import { checkLoss } from './check-loss.js';
import { type StepEvent, stepEvents } from './events.js';
import { checkCallback } from './hook-names.js';
import type { BatchResult, FitOptions, LearnerOptions } from './learner-options.js';
import type { LearningRate } from './learning-rate.js';
import type { BatchLoader, Epochs, Loaders } from './loaders.js';
import type { MetricsRow, MetricsSource } from './metrics-row.js';
import { type OptFunc, type Optimizer, sgd } from './optimizer.js';
import { type Position, type ResumePoint, startOf } from './position.js';
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
  /** Why `stop` ended the last fit, if it did. */
  stopReason?: string;

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

  /**
   * Trains and validates for epochs `startEpoch` … `nEpochs` − 1. Opens the replicas if need be, and gives them a new
   * optimizer.
   *
   * @throws LearnerError, ConfigError, CallbackError before anything runs, when it is misused
   * @throws DivergedError when the training loss is NaN or infinite
   */
  async fit(nEpochs = 1, options: FitOptions = {}): Promise<void> {
    const { train = true, valid = true, cbs = [], lr, resume } = options;
    const resumed = typeof resume === 'string' ? await this.readCheckpoint(resume) : resume;
    const startEpoch = resumed?.position.epoch ?? options.startEpoch ?? 0;
    checkEpochs(nEpochs, startEpoch);
    await this.#alone('fit', cbs, async () => {
      checkSteps(this.cbs, this.#overridden(), train);
      this.nEpochs = nEpochs;
      this.epochs = Array.from({ length: nEpochs - startEpoch }, (_, index) => startEpoch + index);
      this.stopped = false;
      this.stopReason = undefined;
      this.metrics = undefined;
      this.failure = undefined;
      this.resumed = resumed;
      this.position = resumed?.position ?? startOf(startEpoch);
      this.globalStep = resumed?.globalStep ?? this.globalStep;
      await this.runner.open();
      await this.#setOptimizer(lr);
      await resumed?.restoreModel(this);
      await inScope(this, 'fit', () => this.#allEpochs(train, valid));
    });
  }

  /**
   * One validation phase outside of a fit: predictions and losses of all batches of `loader`. The optimizer is not
   * touched, and callbacks that are `fitOnly` stay out. `learn.validate()` and `learn.getPreds()` are made of it.
   */
  async runValidation(loader: BatchLoader = this.dls.valid, cbs: readonly Callback[] = []): Promise<void> {
    await this.#alone('validation', [], async () => {
      const all = this.cbs;
      this.cbs = [...all.filter(callback => !callback.fitOnly), ...cbs];
      this.cbs.forEach(checkCallback);
      checkSteps(this.cbs, this.#overridden(), false);
      this.fitting = false;
      try {
        await this.runner.open();
        await this.#onePhase(false, loader);
      } catch (error) {
        if (!(error instanceof CancelFitException)) throw error;
      } finally {
        this.cbs = all;
        this.fitting = true;
      }
    });
  }

  /** Runs `body` with `cbs` added; only one at a time. */
  async #alone(what: string, cbs: readonly Callback[], body: () => Promise<void>): Promise<void> {
    if (this.#running)
      throw new LearnerError(`A ${what} was begun inside a running fit or validation.`, {
        where: what,
        hint: 'await the first one',
      });
    this.#running = true;
    this.cbs.push(...cbs);
    try {
      this.cbs.forEach(checkCallback);
      await body();
    } finally {
      removeCallbacks(this.cbs, cbs);
      this.#running = false;
    }
  }

  async #allEpochs(train: boolean, valid: boolean): Promise<void> {
    await this.resumed?.restoreCallbacks(this);
    const left = this.resumed?.position;
    for (const epoch of this.epochs) {
      this.epoch = epoch;
      const isTrained = left?.epoch === epoch && left.phase === 'valid';
      if (train && !isTrained) await this.#oneEpoch(true);
      if (valid) await this.#oneEpoch(false);
    }
  }

  async #oneEpoch(training: boolean): Promise<void> {
    const { epoch, phase } = this.position;
    const start = startOf(this.epoch, training ? 'train' : 'valid');
    // Only a resumed phase begins with batches done.
    if (epoch !== start.epoch || phase !== start.phase) this.position = start;
    await this.#onePhase(training, training ? this.dls.train : this.dls.valid);
    this.#phaseDone();
  }

  #phaseDone(): void {
    this.position = this.training ? startOf(this.epoch, 'valid') : startOf(this.epoch + 1);
  }

  #batchDone(): void {
    if (this.training) this.position = { ...this.position, batch: this.iter + 1 };
  }

  async #onePhase(training: boolean, loader: BatchLoader): Promise<void> {
    this.#stopIfAborted();
    this.training = training;
    this.dl = loader;
    await inScope(this, 'epoch', async () => {
      await this.#allBatches();
      if (this.fitting) this.#phaseDone();
    });
  }

  async #allBatches(): Promise<void> {
    this.#fused = canFuse(this.cbs, this.#overridden());
    let iter = this.fitting ? this.position.batch : 0;
    // However the loop ends, for-await closes the loader, which frees its slots.
    for await (const batch of this.dl) {
      this.#stopIfAborted();
      this.iter = iter++;
      this.batch = batch;
      this.preds = undefined;
      this.result = undefined;
      this.stepped = false;
      await inScope(this, 'batch', async () => {
        await (this.#fused ? this.#fusedBatch() : this.#oneBatch());
        this.#batchDone();
      });
      this.#batchDone();
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
    try {
      await runCallbacks(this, 'afterBackward');
    } catch (error) {
      if (error instanceof CancelStepException) return;
      throw error;
    }
    await this.step();
    this.#countStep();
    await runCallbacks(this, 'afterStep');
    await this.zeroGrad();
  }

  async #fusedBatch(): Promise<void> {
    await fusedStep(this);
    this.#checkLoss();
    if (this.training) this.#countStep();
  }

  #countStep(): void {
    this.stepped = true;
    this.globalStep++;
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

  async #setOptimizer(lr: LearningRate | undefined): Promise<void> {
    if (this.optFunc) {
      this.opt = this.optFunc(this.runner.parameters, lr ?? this.lr);
      if (this.frozenTo !== undefined) this.opt.freezeTo(this.frozenTo);
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

  #checkLoss(): void {
    if (this.training && this.stopOnNonFinite) checkLoss(this);
  }

  #stopIfAborted(): void {
    if (!this.signal?.aborted) return;
    this.stopped = true;
    throw new CancelFitException();
  }
}

function checkEpochs(nEpochs: number, startEpoch: number): void {
  const isCount = (value: number): boolean => Number.isInteger(value) && value >= 0;
  if (!isCount(nEpochs))
    throw new ConfigError(`nEpochs must be a whole number ≥ 0, not ${nEpochs}.`, { where: 'fit' });
  if (!isCount(startEpoch) || startEpoch > nEpochs)
    throw new ConfigError(`startEpoch must be one of 0 … ${nEpochs}, not ${startEpoch}.`, { where: 'fit' });
}
