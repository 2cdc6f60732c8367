import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';
import { TimeAccount, type TimeShares } from './time-account.js';

/** Measures where the time of a fit goes: of each epoch's two phases, and of the whole. */
export class TimeSharesCB extends Callback {
  /** Before MetricsCB, whose listeners ask for the epoch that has just ended. */
  override order = -1;
  override readonly fitOnly = true;
  #fit = new TimeAccount();
  #fitStartMs = 0;
  #epoch = { number: 0, account: new TimeAccount(), ms: 0 };
  #ended = this.#epoch;
  #phaseStartMs?: number;
  #batchStartMs = 0;

  /** Of the fit up to `nowMs` of the Learner's clock. */
  ofFit(nowMs: number): TimeShares {
    return this.#fit.shares(nowMs - this.#fitStartMs);
  }

  /** Of the phases of an epoch, counted from 1, that are over; undefined of any but the newest two. */
  ofEpoch(epoch: number): TimeShares | undefined {
    const found = [this.#epoch, this.#ended].find(({ number }) => number === epoch);
    return found && found.ms > 0 ? found.account.shares(found.ms) : undefined;
  }

  /** Counts a checkpoint, which `CheckpointCB` tells of. */
  saved(ms: number): void {
    this.#fit.checkpointMs += ms;
    if (this.#phaseStartMs !== undefined) this.#epoch.account.checkpointMs += ms;
  }

  override beforeFit(learn: Learner): void {
    this.#fit = new TimeAccount();
    this.#epoch = { number: 0, account: new TimeAccount(), ms: 0 };
    this.#fitStartMs = learn.clock();
  }

  override beforeEpoch({ epoch, clock }: Learner): void {
    if (this.#epoch.number !== epoch + 1) {
      this.#ended = this.#epoch;
      this.#epoch = { number: epoch + 1, account: new TimeAccount(), ms: 0 };
    }
    this.#phaseStartMs = clock();
  }

  override beforeBatch({ clock }: Learner): void {
    this.#batchStartMs = clock();
  }

  override afterBatch({ training, result, runner, clock }: Learner): void {
    if (!training) return;
    const ms = clock() - this.#batchStartMs;
    for (const account of [this.#fit, this.#epoch.account]) {
      if (result?.times) account.addStep(result.times, runner.devices);
      else account.stepsMs += ms;
    }
  }

  override afterEpoch(learn: Learner): void {
    this.#endPhase(learn);
  }

  /** Of a phase that was cut short, too. */
  override cleanupEpoch(learn: Learner): void {
    this.#endPhase(learn);
  }

  #endPhase({ training, dl, clock }: Learner): void {
    if (this.#phaseStartMs === undefined) return;
    const ms = clock() - this.#phaseStartMs;
    this.#phaseStartMs = undefined;
    this.#epoch.ms += ms;
    for (const account of [this.#fit, this.#epoch.account]) {
      if (!training) account.validationMs += ms;
      else if (dl.waitMs !== undefined) account.addData(dl.waitMs);
    }
  }
}
