import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';
import type { PhaseName } from '../learner/metrics-row.js';
import { Monitor, watchedRow } from '../learner/monitor.js';
import { ReduceLROnPlateau, type ReduceOnPlateauOptions } from '../learner/schedules/reduce-on-plateau.js';
import type { SchedulerState } from '../learner/schedules/scheduler.js';

export interface ReduceOnPlateauCBOptions extends ReduceOnPlateauOptions {
  /** Column of the row, such as `loss` or `accuracy`. Default `loss`. */
  readonly monitor?: string;
  /** Which rows are watched. Default `valid`. */
  readonly phase?: PhaseName;
}

/**
 * Reduces the rates when a column of `MetricsCB`'s rows has stopped improving, by the rules of `ReduceLROnPlateau`.
 * `mode` is by default `min` for names that end in loss or error, else `max`. All replicas get the same rates, since
 * the column is that of all of them together.
 */
export class ReduceLROnPlateauCB extends Callback {
  /** After MetricsCB. */
  override order = 1;
  override readonly fitOnly = true;
  readonly #options: ReduceOnPlateauCBOptions;
  readonly #monitor: Monitor;
  #scheduler?: ReduceLROnPlateau;

  /** @throws ConfigError */
  constructor(options: ReduceOnPlateauCBOptions = {}) {
    super();
    this.#options = options;
    this.#monitor = new Monitor({ monitor: options.monitor, mode: options.mode });
  }

  override beforeFit({ opt }: Learner): void {
    this.#scheduler = new ReduceLROnPlateau(opt, { ...this.#options, mode: this.#monitor.mode });
  }

  /** @throws CallbackError when there is no MetricsCB, or no such column */
  override afterEpoch(learn: Learner): void {
    if (learn.training !== (this.#options.phase === 'train')) return;
    this.#scheduler?.step(this.#monitor.value(watchedRow(learn, 'ReduceLROnPlateauCB')));
  }

  override saveState(): unknown {
    return this.#scheduler?.state();
  }

  override restoreState(state: unknown): void {
    if (state) this.#scheduler?.restore(state as SchedulerState);
  }
}
