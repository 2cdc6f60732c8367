import { z } from 'zod';
import { ConfigError } from '../errors.js';
import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';
import type { PhaseName } from '../learner/metrics-row.js';
import { Monitor, type MonitorOptions, watchedRow } from '../learner/monitor.js';
import type { TrainingState } from '../protocol/optimizer.js';
import { readState } from './saved-state.js';

export interface EarlyStoppingOptions extends MonitorOptions {
  /** Epochs without a better value after which the fit ends. Default 3. */
  readonly patience?: number;
  /** Which rows are watched. Default `valid`. */
  readonly phase?: PhaseName;
  /** At the end put back the weights that had the best value. Default false. */
  readonly restoreBest?: boolean;
}

const count = z.number().nonnegative();
const saved = z.object({ best: z.number().nullish(), bestEpoch: count, waited: count });

/**
 * Ends the fit once a column of the rows has not become better for `patience` epochs. The values are those of all
 * replicas together, so that all of them stop at the same step.
 *
 * With `restoreBest` a copy of parameters and moving statistics is kept in memory, and given back to the replicas
 * when the fit ends, unless an error ended it; moments of the optimizer stay as they are. A resumed fit knows the best
 * value of the first one but not its weights: those are in its best checkpoint.
 */
export class EarlyStoppingCB extends Callback {
  /** Last of all: the others are to see the row before it ends the fit. */
  override order = 2000;
  override readonly fitOnly = true;
  readonly #options: EarlyStoppingOptions;
  readonly #patience: number;
  readonly #phase: PhaseName;
  #monitor: Monitor;
  #waited = 0;
  #bestEpoch = 0;
  #bestWeights?: TrainingState;

  /** @throws ConfigError */
  constructor(options: EarlyStoppingOptions = {}) {
    super();
    const { patience = 3, phase = 'valid' } = options;
    if (!Number.isInteger(patience) || patience < 1)
      throw new ConfigError(`patience must be a whole number above 0, not ${patience}.`, {
        where: 'EarlyStoppingCB',
      });
    this.#options = options;
    this.#patience = patience;
    this.#phase = phase;
    this.#monitor = new Monitor(options);
  }

  /** The best value and its epoch, from 1; undefined before the first row. */
  get best(): { readonly value: number; readonly epoch: number } | undefined {
    const { best } = this.#monitor;
    return best === undefined ? undefined : { value: best, epoch: this.#bestEpoch };
  }

  override beforeFit(): void {
    this.#monitor = new Monitor(this.#options);
    this.#waited = 0;
    this.#bestEpoch = 0;
    this.#bestWeights = undefined;
  }

  /** @throws CallbackError when there is no MetricsCB, or no such column */
  override async afterEpoch(learn: Learner): Promise<void> {
    if (learn.training !== (this.#phase === 'train')) return;
    const row = watchedRow(learn, 'EarlyStoppingCB');
    if (this.#monitor.improves(row)) {
      this.#waited = 0;
      this.#bestEpoch = row.epoch;
      if (this.#options.restoreBest) this.#bestWeights = await learn.runner.getState();
      return;
    }
    this.#waited++;
    if (this.#waited < this.#patience) return;
    const { name, best } = this.#monitor;
    const since =
      best === undefined
        ? 'was never a number'
        : `has not been better than ${best} of epoch ${this.#bestEpoch}`;
    learn.stop(`${this.#phase} ${name} ${since} for ${this.#waited} epochs`);
  }

  override async cleanupFit(learn: Learner): Promise<void> {
    const weights = this.#waited > 0 && learn.failure === undefined ? this.#bestWeights : undefined;
    this.#bestWeights = undefined;
    if (weights) await learn.runner.setState(weights);
  }

  override saveState(): unknown {
    return { best: this.#monitor.best, bestEpoch: this.#bestEpoch, waited: this.#waited };
  }

  override restoreState(state: unknown): void {
    const { best, bestEpoch, waited } = readState(saved, state, 'EarlyStoppingCB');
    this.#monitor.best = best ?? undefined;
    this.#bestEpoch = bestEpoch;
    this.#waited = waited;
  }
}
