import { ConfigError, LearnerError } from '../errors.js';
import type { Callback } from './callback.js';
import { removeCallbacks } from './callback-list.js';
import { CancelFitException, CancelStepException } from './cancel.js';
import { checkLoss } from './check-loss.js';
import { type StepEvent, stepEvents } from './events.js';
import { checkCallback } from './hook-names.js';
import { installOptimizer } from './install-optimizer.js';
import type { FitOptions } from './learner-options.js';
import { LearnerState } from './learner-state.js';
import type { BatchLoader } from './loaders.js';
import { startOf } from './position.js';
import { inScope, runCallbacks } from './run-callbacks.js';
import { canFuse, checkSteps, fusedStep, isTakenBack } from './training-step.js';

/**
 * The training loop, after miniai's. All state stands on the Learner (`learner-state.ts`), where callbacks read and
 * replace it; the loop looks at `epochs`, `dl` and `batch` only after the event that may replace them.
 */
export class Learner extends LearnerState {
  #running = false;
  #fused = false;

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
      this.atRest = false;
      this.resumed = resumed;
      this.position = resumed?.position ?? startOf(startEpoch);
      this.globalStep = resumed?.globalStep ?? this.globalStep;
      await this.runner.open();
      await installOptimizer(this, lr);
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
    this.atRest = true;
    // However the loop ends, for-await closes the loader, which frees its slots.
    for await (const batch of this.dl) {
      this.atRest = false;
      this.#stopIfAborted();
      this.iter = iter++;
      this.batch = batch;
      this.preds = undefined;
      this.result = undefined;
      this.stepped = false;
      await inScope(this, 'batch', async () => {
        try {
          await (this.#fused ? this.#fusedBatch() : this.#oneBatch());
        } catch (error) {
          this.atRest = !this.stepped && isTakenBack(error, this.cbs);
          throw error;
        }
        this.#batchDone();
      });
      this.#batchDone();
      this.#stopIfAborted();
      this.atRest = true;
    }
    this.atRest = false;
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

  #checkLoss(): void {
    if (this.training && this.stopOnNonFinite) checkLoss(this);
  }

  #stopIfAborted(): void {
    if (!this.signal?.aborted) return;
    this.stopped = true;
    const { reason } = this.signal;
    if (typeof reason === 'string') this.stopReason = reason;
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
