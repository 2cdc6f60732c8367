import { CallbackError, ConfigError, LearnerError } from '../errors.js';
import { Callback } from '../learner/callback.js';
import { CancelEpochException, CancelFitException } from '../learner/cancel.js';
import type { Learner } from '../learner/learner.js';
import { type LineChart, lineChart } from '../plot/chart.js';
import { type LrSuggestions, suggestLrs } from './lr-suggestions.js';

export interface LRFinderOptions {
  /** Each step's rate is the last one's times this; above 1. Default 1.3. */
  readonly gamma?: number;
  /** Ends when the loss is above this many times the lowest so far; above 1. Default 3. */
  readonly maxMult?: number;
  /** Rate of the first step. Default: what the optimizer has. */
  readonly startLr?: number;
  /** No step has a rate above this. Default 10. */
  readonly endLr?: number;
}

/**
 * Trains with a rate that grows from step to step, until the loss explodes, is not a number any more, or the rate
 * reaches `endLr` (Smith, 2015): `lrs` and `losses` then show how far it may go. Groups keep their proportions;
 * `lrs` are the first group's. Validation is left out. The weights are useless afterwards: `learn.lrFind()` puts
 * them back.
 */
export class LRFinderCB extends Callback {
  override readonly fitOnly = true;
  /** Rate that each step was done with. */
  lrs: number[] = [];
  /** Loss of each step's batch, before the step. */
  losses: number[] = [];
  readonly #options: Required<Omit<LRFinderOptions, 'startLr'>> & Pick<LRFinderOptions, 'startLr'>;
  #written: number[] = [];
  #stopOnNonFinite?: boolean;

  /** @throws ConfigError */
  constructor({ gamma = 1.3, maxMult = 3, startLr, endLr = 10 }: LRFinderOptions = {}) {
    super();
    for (const [name, value] of Object.entries({ gamma, maxMult }))
      if (!(Number.isFinite(value) && value > 1))
        throw new ConfigError(`${name} must be a number above 1, not ${value}.`, { where: 'LRFinderCB' });
    if (startLr !== undefined && !(startLr > 0 && startLr < endLr))
      throw new ConfigError(`startLr must be above 0 and below endLr (${endLr}), not ${startLr}.`, {
        where: 'LRFinderCB',
      });
    this.#options = { gamma, maxMult, startLr, endLr };
  }

  override beforeFit(learn: Learner): void {
    this.lrs = [];
    this.losses = [];
    // A loss that is not a number ends the search, not the program.
    this.#stopOnNonFinite = learn.stopOnNonFinite;
    learn.stopOnNonFinite = false;
    const { startLr } = this.#options;
    const groups = learn.opt.paramGroups;
    const first = groups[0].lr;
    this.#write(
      learn,
      groups.map(({ lr }) => (startLr === undefined ? lr : first > 0 ? (lr / first) * startLr : startLr)),
    );
  }

  override beforeEpoch({ training }: Learner): void {
    if (!training) throw new CancelEpochException();
  }

  override beforeBatch(learn: Learner): void {
    this.#checkRates(learn);
  }

  override afterBatch(learn: Learner): void {
    if (!learn.stepped) return;
    this.#checkRates(learn);
    const { gamma, maxMult, endLr } = this.#options;
    const lr = this.#written[0];
    if (!Number.isFinite(learn.loss)) throw new CancelFitException();
    this.lrs.push(lr);
    this.losses.push(learn.loss);
    const lowest = Math.min(...this.losses);
    // maxMult × lowest, where that is above 0 as it should be.
    const limit = lowest + (maxMult - 1) * Math.abs(lowest);
    if (learn.loss > limit || lr * gamma > endLr) throw new CancelFitException();
    this.#write(
      learn,
      this.#written.map(rate => rate * gamma),
    );
  }

  override cleanupFit(learn: Learner): void {
    if (this.#stopOnNonFinite !== undefined) learn.stopOnNonFinite = this.#stopOnNonFinite;
    this.#stopOnNonFinite = undefined;
  }

  /** @throws LearnerError when there are too few points to tell */
  get suggestions(): LrSuggestions {
    if (this.lrs.length < 3)
      throw new LearnerError(`The learning-rate finder ended after ${this.lrs.length} steps.`, {
        where: 'LRFinderCB',
        hint: 'start at a lower rate (startLr), or give it more batches (maxEpochs)',
      });
    return suggestLrs(this.lrs, this.losses);
  }

  /** Loss over rate, with the suggestions marked. */
  chart(): LineChart {
    const { valley, steep, minimum } = this.suggestions;
    const named = Object.entries({ valley, steep, 'minimum / 10': minimum });
    return lineChart({
      title: 'Learning-rate finder',
      x: { label: 'learning rate', log: true },
      y: { label: 'training loss' },
      series: [{ name: 'loss', x: this.lrs, y: this.losses }],
      marks: named.map(([name, x]) => ({ x, label: `${name}: ${short(x)}` })),
    });
  }

  #write({ opt }: Learner, rates: number[]): void {
    this.#written = rates;
    opt.paramGroups.forEach((group, index) => {
      group.lr = rates[index];
    });
  }

  /** Two that write the rate would make a curve that means nothing. */
  #checkRates({ opt, training }: Learner): void {
    if (!training || opt.paramGroups.every(({ lr }, index) => lr === this.#written[index])) return;
    throw new CallbackError('Another callback changes the learning rate during the search.', {
      where: 'LRFinderCB',
      hint: 'take the scheduler out: learn.remove(BatchSchedCB), or use learn.lrFind(), which leaves schedulers out',
    });
  }
}

const short = (rate: number): string =>
  rate >= 0.01 && rate < 100 ? String(Number(rate.toPrecision(2))) : rate.toExponential(1);
