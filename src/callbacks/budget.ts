import { z } from 'zod';
import { ConfigError } from '../errors.js';
import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';
import type { BatchLoader } from '../learner/loaders.js';
import type { Batch } from '../protocol/batch.js';
import { readState } from './saved-state.js';

export interface BudgetOptions {
  /** Optimizer steps. The epoch in which they end is validated, then the fit ends. */
  readonly maxSteps?: number;
  /** Seconds since the fit began. The fit ends after the batch in which they are over, without validation. */
  readonly maxTime?: number;
  /** Training batches of an epoch: a whole number, or a share between 0 and 1 (at least one batch). */
  readonly limitTrainBatches?: number;
  /** Validation batches of an epoch, likewise. */
  readonly limitValidBatches?: number;
}

const saved = z.object({ steps: z.number().nonnegative(), seconds: z.number().nonnegative() });

/**
 * Bounds a fit in steps, in time, and in batches of an epoch, and says which bound ended it in `learn.stopReason`.
 * Steps and time go on counting in a resumed fit. Schedules know of the batch limits (`learn.stepsPerEpoch`), not of
 * `maxSteps` and `maxTime`.
 */
export class BudgetCB extends Callback {
  /** Last of all: the others are to see the batch before it ends the fit. */
  override order = 2000;
  override readonly fitOnly = true;
  readonly #options: BudgetOptions;
  #dl?: { readonly given: BatchLoader; readonly limited: BatchLoader };
  /** Of the Learner, when the fit or the one it resumes began. */
  #startStep = 0;
  #startMs = 0;
  /** Of the fits before this one, if it is resumed. */
  #earlierMs = 0;
  #clock: () => number = () => 0;

  /** @throws ConfigError */
  constructor(options: BudgetOptions) {
    super();
    const { maxSteps, maxTime, limitTrainBatches, limitValidBatches } = options;
    demand(maxSteps, 'maxSteps', 'a whole number above 0', isCount);
    demand(maxTime, 'maxTime', 'seconds, above 0', value => value > 0);
    for (const [name, limit] of Object.entries({ limitTrainBatches, limitValidBatches }))
      demand(limit, name, 'a whole number above 0, or a share between 0 and 1', isLimit);
    this.#options = options;
  }

  override trainBatches(length: number): number {
    return limitOf(this.#options.limitTrainBatches, length);
  }

  override beforeFit(learn: Learner): void {
    this.#startStep = learn.globalStep;
    this.#earlierMs = 0;
    this.#clock = learn.clock;
    this.#startMs = learn.clock();
  }

  override beforeEpoch(learn: Learner): void {
    const { maxSteps, limitTrainBatches, limitValidBatches } = this.#options;
    if (learn.training && this.#stepsAreDone(learn)) learn.stop(this.#stepsReason);
    const limit = learn.training ? limitTrainBatches : limitValidBatches;
    if (limit === undefined && maxSteps === undefined) return;
    const length = limitOf(limit, learn.dl.length);
    this.#dl = { given: learn.dl, limited: this.#limited(learn, learn.dl, length) };
    learn.dl = this.#dl.limited;
  }

  override afterBatch(learn: Learner): void {
    const { maxTime } = this.#options;
    if (maxTime !== undefined && this.#ms >= maxTime * 1000)
      learn.stop(`maxTime: ${maxTime} seconds are over`);
  }

  /**
   * Not at the next training phase, before which metrics and others forget what this one was. A fit without
   * validation ends there all the same: whether one follows cannot be seen from a training phase.
   */
  override afterEpoch(learn: Learner): void {
    if (!this.#stepsAreDone(learn)) return;
    const isCutShort = learn.training && learn.iter + 1 < learn.dl.length;
    if (isCutShort) learn.stopReason = this.#stepsReason;
    const isLast = learn.epoch + 1 === learn.nEpochs && learn.stopReason === undefined;
    if (!learn.training && !isLast) learn.stop(this.#stepsReason);
  }

  override cleanupEpoch(learn: Learner): void {
    // Another callback may have wrapped the loader again; then it is that callback's to put back.
    if (this.#dl && learn.dl === this.#dl.limited) learn.dl = this.#dl.given;
    this.#dl = undefined;
  }

  override saveState({ globalStep }: Learner): unknown {
    return { steps: globalStep - this.#startStep, seconds: this.#ms / 1000 };
  }

  override restoreState(state: unknown, { globalStep }: Learner): void {
    const { steps, seconds } = readState(saved, state, 'BudgetCB');
    this.#startStep = globalStep - steps;
    this.#earlierMs = seconds * 1000;
  }

  #stepsAreDone({ globalStep }: Learner): boolean {
    return globalStep - this.#startStep >= (this.#options.maxSteps ?? Number.POSITIVE_INFINITY);
  }

  get #stepsReason(): string {
    return `maxSteps: ${this.#options.maxSteps} optimizer steps are done`;
  }

  get #ms(): number {
    return this.#earlierMs + this.#clock() - this.#startMs;
  }

  #limited(learn: Learner, given: BatchLoader, length: number): BatchLoader {
    // A resumed epoch begins with batches done.
    const left = length - (learn.training ? learn.position.batch : 0);
    return {
      length,
      get waitMs() {
        return given.waitMs;
      },
      [Symbol.asyncIterator]: () => this.#batches(learn, given, left),
    };
  }

  /**
   * Ends before it asks for a batch that it would not hand out, but for a resumed epoch of which nothing is left: the
   * loader must begin it all the same, to be past it.
   */
  async *#batches(learn: Learner, given: BatchLoader, count: number): AsyncGenerator<Batch> {
    let served = 0;
    for await (const batch of given) {
      if (count <= 0) return;
      yield batch;
      served++;
      if (served >= count || (learn.training && this.#stepsAreDone(learn))) return;
    }
  }
}

const isCount = (value: number): boolean => Number.isInteger(value) && value > 0;

const isLimit = (value: number): boolean => isCount(value) || (value > 0 && value < 1);

const limitOf = (limit: number | undefined, length: number): number => {
  if (limit === undefined) return length;
  return limit < 1 ? Math.min(length, Math.max(1, Math.round(limit * length))) : Math.min(limit, length);
};

function demand(
  value: number | undefined,
  name: string,
  expected: string,
  holds: (value: number) => boolean,
): void {
  if (value === undefined || holds(value)) return;
  throw new ConfigError(`${name} must be ${expected}, not ${String(value)}.`, { where: `BudgetCB ${name}` });
}
