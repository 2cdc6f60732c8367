import { z } from 'zod';
import { ConfigError } from '../errors.js';
import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';
import { readState } from './saved-state.js';

export interface EmaOptions {
  /** Share of the average that is kept at each update, 0 … 1 exclusive, such as 0.999. */
  readonly decay: number;
  /** Optimizer steps from one update to the next. Default 1. */
  readonly every?: number;
  /** Optimizer steps of the fit before the average begins, as a copy of the weights. Default 0. */
  readonly startStep?: number;
  /** Validate the averaged weights. Default true. */
  readonly validate?: boolean;
  /** Leave the averaged weights in the model when the fit is over, not those last trained. Default true. */
  readonly keep?: boolean;
}

const saved = z.object({ steps: z.number().nonnegative(), averaged: z.boolean() });

interface State {
  readonly steps: number;
  readonly averaged: boolean;
}

/**
 * Keeps an exponential moving average of all weights beside those that are trained, moving statistics included:
 * average = decay · average + (1 − decay) · weights. It lies on the replicas, and in checkpoints beside the weights.
 * Training never sees it. A fit that ends in an error leaves the weights last trained.
 */
export class EmaCB extends Callback {
  /** Early: other callbacks find the weights trained, not averaged, once a validation is over. */
  override order = -100;
  override readonly fitOnly = true;
  readonly #options: Required<EmaOptions>;
  #steps = 0;
  /** Whether there is an average. */
  #averaged = false;
  #swapped = false;

  /** @throws ConfigError */
  constructor({ decay, every = 1, startStep = 0, validate = true, keep = true }: EmaOptions) {
    super();
    if (!(decay > 0 && decay < 1))
      throw new ConfigError(`decay must be a number between 0 and 1, not ${decay}.`, { where: 'EmaCB' });
    for (const [name, count, least] of [['every', every, 1] as const, ['startStep', startStep, 0] as const])
      if (!Number.isInteger(count) || count < least)
        throw new ConfigError(`${name} must be a whole number ≥ ${least}, not ${count}.`, { where: 'EmaCB' });
    this.#options = { decay, every, startStep, validate, keep };
  }

  /** Not in a validation, nor until replicas that failed obey: then the average stands where the weights belong. */
  override get atRest(): boolean {
    return !this.#swapped;
  }

  override async beforeFit({ runner, resumed }: Learner): Promise<void> {
    this.#steps = 0;
    this.#averaged = false;
    this.#swapped = false;
    if (!resumed) await runner.dropAverage();
  }

  override async beforeEpoch(learn: Learner): Promise<void> {
    if (!learn.training && this.#options.validate && this.#averaged) await this.#swap(learn);
  }

  override async afterBatch({ runner, stepped }: Learner): Promise<void> {
    if (!stepped) return;
    const { decay, every, startStep } = this.#options;
    this.#steps++;
    const since = this.#steps - startStep;
    if (since <= 0 || (since - 1) % every !== 0) return;
    await runner.average(decay);
    this.#averaged = true;
  }

  override async afterEpoch(learn: Learner): Promise<void> {
    if (this.#swapped) await this.#swap(learn);
  }

  override async cleanupEpoch(learn: Learner): Promise<void> {
    if (this.#swapped) await this.#swap(learn);
  }

  override async cleanupFit(learn: Learner): Promise<void> {
    if (!this.#averaged) return;
    if (this.#options.keep && learn.failure === undefined) await this.#swap(learn);
    this.#averaged = false;
    await learn.runner.dropAverage();
  }

  override saveState(): State {
    return { steps: this.#steps, averaged: this.#averaged };
  }

  override restoreState(state: unknown): void {
    const { steps, averaged } = readState(saved, state, 'EmaCB');
    this.#steps = steps;
    this.#averaged = averaged;
  }

  async #swap({ runner }: Learner): Promise<void> {
    await runner.swapAverage();
    this.#swapped = !this.#swapped;
  }
}
