import type { Learner } from '../learner/learner.js';
import { type LineChart, lineChart } from '../plot/chart.js';

/** Losses along the training batches, as plain data. */
export interface LossHistory {
  /** Number of the training batch, from 1, all epochs counted through. */
  readonly train: { readonly x: number[]; readonly y: number[] };
  /** Mean over the samples of each validation, at the last training batch before it. */
  readonly valid: { readonly x: number[]; readonly y: number[] };
}

/** Gathers the loss of every training batch and of every validation of a fit. */
export class LossCurve {
  history: LossHistory = emptyHistory();
  /** Batches of the fits before this one. */
  #before = 0;
  #batchesPerEpoch = 0;
  #sum = 0;
  #count = 0;

  /** @param keep add to what earlier fits left */
  begin({ dls }: Learner, keep: boolean): void {
    if (!keep) this.history = emptyHistory();
    this.#before = Math.max(0, this.history.train.x.at(-1) ?? 0, this.history.valid.x.at(-1) ?? 0);
    this.#batchesPerEpoch = dls.train.length;
    this.#sum = this.#count = 0;
  }

  /** Goes on with what an interrupted fit has saved. */
  restore(history: LossHistory): void {
    this.history = history;
    this.#before = 0;
  }

  /** Number of this training batch on the x axis. */
  place({ epoch, iter }: Learner): number {
    return this.#before + epoch * this.#batchesPerEpoch + iter + 1;
  }

  /** Takes in a batch whose loss is known. */
  add(learn: Learner): void {
    const { training, result, loss } = learn;
    if (!result) return;
    if (training) {
      this.history.train.x.push(this.place(learn));
      this.history.train.y.push(loss);
    } else {
      this.#sum += result.loss.sum;
      this.#count += result.loss.count;
    }
  }

  /** Ends a phase. */
  endPhase({ training, epoch }: Learner): void {
    if (!training && this.#count > 0) {
      this.history.valid.x.push(this.#before + (epoch + 1) * this.#batchesPerEpoch);
      this.history.valid.y.push(this.#sum / this.#count);
    }
    this.#sum = this.#count = 0;
  }

  chart(): LineChart {
    const { train, valid } = this.history;
    const series = [
      { name: 'train', ...train },
      { name: 'valid', ...valid },
    ];
    return lineChart({
      title: 'Loss',
      x: { label: 'training batch' },
      y: { label: 'loss', unit: 'mean over the samples' },
      series: series.filter(({ x }) => x.length > 0),
    });
  }
}

const emptyHistory = (): LossHistory => ({ train: { x: [], y: [] }, valid: { x: [], y: [] } });
