import { z } from 'zod';
import { CallbackError, ConfigError } from '../errors.js';
import { Callback } from '../learner/callback.js';
import { CancelStepException } from '../learner/cancel.js';
import type { Learner } from '../learner/learner.js';
import { MomentumLearner } from '../learner/momentum-learner.js';
import { runCallbacks } from '../learner/run-callbacks.js';
import { readState } from './saved-state.js';

/** One of them. */
export interface AccumulationOptions {
  /** Batches of each optimizer step. */
  readonly batches?: number;
  /** Samples of each optimizer step, at least: the batch that reaches them is the last of its group. */
  readonly samples?: number;
}

interface Group {
  readonly batches: number;
  readonly samples: number;
  /** Samples whose mean gradient counts 1 in what is kept: those of the last batch. */
  readonly unit: number;
}

const count = z.number().nonnegative();
const savedGroup = z.object({ batches: count, samples: count, unit: count });

const empty: Group = { batches: 0, samples: 0, unit: 1 };

/**
 * Makes one optimizer step of the gradients of several batches: those of one batch that holds all their samples, each
 * sample counted once, whatever the sizes of the batches. The last group of an epoch is stepped though it be
 * incomplete. Every batch is a batch to the other callbacks; what it is not is a step.
 *
 * Batch norm still sees single batches. Each batch is reduced over the replicas.
 */
export class GradientAccumulationCB extends Callback {
  /** Before those that act on the gradients of a step, such as `GradientClipCB`: they see whole groups. */
  override order = -10;
  override readonly fitOnly = true;
  override batchesPerStep?: number;
  readonly #options: AccumulationOptions;
  #group = empty;
  /** Stepping what a cancelled batch has left over. */
  #closing = false;

  /** @throws ConfigError */
  constructor(options: AccumulationOptions) {
    super();
    const given = Object.entries(options).filter(([, count]) => count !== undefined);
    const [name, count] = given[0] ?? ['batches', undefined];
    if (given.length !== 1 || !Number.isInteger(count) || count < 1)
      throw new ConfigError(
        given.length === 1
          ? `${name} must be a whole number above 0, not ${count}.`
          : `GradientAccumulationCB takes one of batches and samples, not ${given.length}.`,
        { where: 'GradientAccumulationCB' },
      );
    this.#options = options;
    this.batchesPerStep = options.batches;
  }

  /** @throws CallbackError with a loader that does not tell its batch size, or a Learner that keeps its gradients */
  override beforeFit(learn: Learner): void {
    this.#group = empty;
    if (learn instanceof MomentumLearner)
      throw new CallbackError(
        'The gradients of a MomentumLearner cannot be accumulated: it keeps its momentum there.',
        {
          where: 'GradientAccumulationCB',
          hint: 'use a Learner with sgd({ momentum }), which is the same optimizer',
        },
      );
    const { samples } = this.#options;
    if (samples === undefined) return;
    const { batchSize } = learn.dls.train as { readonly batchSize?: number };
    if (batchSize === undefined)
      throw new CallbackError('The training loader does not tell its batch size.', {
        where: 'GradientAccumulationCB samples',
        hint: 'say after how many batches to step: { batches }',
      });
    this.batchesPerStep = Math.ceil(samples / batchSize);
  }

  override async beforeEpoch(learn: Learner): Promise<void> {
    // What a cancelled phase has left over; but a resumed one goes on with it.
    if (learn.training && learn.position.batch === 0) await this.#drop(learn);
  }

  /** Kept gradients are the sum of mean gradients · samples / unit; the batch's mean gradient will be added to them. */
  override async afterLoss(learn: Learner): Promise<void> {
    if (!learn.training) return;
    const { batches, unit } = this.#group;
    const { size } = learn.batch;
    if (batches > 0) await scaleGradients(learn, unit / size);
    this.#group = { ...this.#group, unit: size };
  }

  override async afterBackward(learn: Learner): Promise<void> {
    if (this.#closing) return;
    const { batches, samples, unit } = this.#group;
    this.#group = { batches: batches + 1, samples: samples + unit, unit };
    const isLastOfEpoch = learn.iter === learn.dl.length - 1;
    if (!this.#isComplete && !isLastOfEpoch) throw new CancelStepException();
    await this.#finish(learn);
  }

  /** A group is left over if the last batch was cancelled: it is stepped without that batch. */
  override async afterEpoch(learn: Learner): Promise<void> {
    if (!learn.training || this.#group.batches === 0) return;
    await this.#finish(learn);
    this.#closing = true;
    try {
      await runCallbacks(learn, 'afterBackward');
      await learn.step();
      learn.globalStep++;
      await runCallbacks(learn, 'afterStep');
      await learn.zeroGrad();
    } finally {
      this.#closing = false;
    }
  }

  override async cleanupFit(learn: Learner): Promise<void> {
    await this.#drop(learn);
  }

  /** The gradients themselves are in the checkpoint. */
  override saveState(): unknown {
    return this.#group;
  }

  override restoreState(state: unknown): void {
    this.#group = readState(savedGroup, state, 'GradientAccumulationCB');
  }

  get #isComplete(): boolean {
    const { batches, samples } = this.#options;
    return batches === undefined ? this.#group.samples >= (samples ?? 0) : this.#group.batches >= batches;
  }

  /** Makes the mean over the samples of the sum that is kept. */
  async #finish(learn: Learner): Promise<void> {
    const { unit, samples } = this.#group;
    await scaleGradients(learn, unit / samples);
    this.#group = empty;
  }

  async #drop({ runner }: Learner): Promise<void> {
    if (this.#group.batches > 0) await runner.zeroGrad(0);
    this.#group = empty;
  }
}

async function scaleGradients({ runner }: Learner, factor: number): Promise<void> {
  if (factor !== 1) await runner.zeroGrad(factor);
}
