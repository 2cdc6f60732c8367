import { z } from 'zod';
import { CallbackError } from '../errors.js';
import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';
import type { ParamGroup } from '../learner/optimizer.js';
import { type ChartGrid, chartGrid, type LineChart, lineChart } from '../plot/chart.js';
import type { PngOptions } from '../plot/render.js';
import { savePlot } from '../plot/save-plot.js';
import { LossCurve, type LossHistory } from './loss-curve.js';
import { numberOrNull, readState } from './saved-state.js';

/** What is recorded of each training batch. */
export type RecordFunction = (cb: RecorderCB) => number;

export interface RecorderOptions {
  /** Keep the records of earlier fits and add to them. Default false: every fit begins anew. */
  readonly keep?: boolean;
}

const numbers = z.array(numberOrNull.transform(value => value ?? Number.NaN));
const curve = z.object({ x: numbers, y: numbers });
const savedRecords = z.object({
  records: z.record(z.string(), numbers),
  losses: z.object({ train: curve, valid: curve }),
});

interface SavedRecords {
  readonly records: Record<string, number[]>;
  readonly losses: LossHistory;
}

/**
 * Records numbers of every training batch, and the losses:
 *
 *     new RecorderCB({ lr: cb => cb.pg.lr, mom: cb => cb.pg.betas![0] })
 *
 * The functions are called before the batch is trained, after all other callbacks' `beforeBatch`: what they see of
 * the optimizer is what the batch is trained with, wherever in the list a scheduler stands. (A scheduler moves on
 * in `afterBatch`; who records there gets the next batch's rate.)
 */
export class RecorderCB extends Callback {
  /** After all that may change the settings for this batch. */
  override order = 1000;
  override readonly fitOnly = true;
  /** By name, one number for each training batch that came as far as its loss. */
  records: Record<string, number[]> = {};
  readonly #functions: Readonly<Record<string, RecordFunction>>;
  readonly #keep: boolean;
  readonly #curve = new LossCurve();
  #learn?: Learner;
  #values: Record<string, number> = {};

  constructor(
    functions: Readonly<Record<string, RecordFunction>> = {},
    { keep = false }: RecorderOptions = {},
  ) {
    super();
    this.#functions = functions;
    this.#keep = keep;
  }

  /** The Learner, while it fits. @throws CallbackError outside of a fit */
  get learn(): Learner {
    if (!this.#learn)
      throw new CallbackError('There is no fit under way.', {
        where: 'RecorderCB.learn',
        hint: 'read it in the functions given to RecorderCB, or use cb.records afterwards',
      });
    return this.#learn;
  }

  /** The first group of the optimizer. */
  get pg(): ParamGroup {
    return this.learn.opt.paramGroups[0];
  }

  /** Losses of the training batches and of the validations. */
  get losses(): LossHistory {
    return this.#curve.history;
  }

  override beforeFit(learn: Learner): void {
    this.#learn = learn;
    this.#curve.begin(learn, this.#keep);
    if (!this.#keep) this.records = {};
    for (const name of Object.keys(this.#functions)) this.records[name] ??= [];
  }

  override beforeBatch({ training }: Learner): void {
    if (!training) return;
    for (const [name, record] of Object.entries(this.#functions)) {
      const value = record(this);
      if (typeof value !== 'number')
        throw new CallbackError(`What is recorded as ${name} is no number: ${String(value)}.`, {
          where: `RecorderCB ${name}`,
          hint: 'SGD has pg.momentum, Adam pg.betas[0]',
        });
      this.#values[name] = value;
    }
  }

  /** Here and not in `afterBatch`: a batch that ends the fit counts too. */
  override cleanupBatch(learn: Learner): void {
    if (!learn.result) return;
    this.#curve.add(learn);
    if (!learn.training) return;
    for (const name of Object.keys(this.#functions)) this.records[name].push(this.#values[name]);
  }

  override cleanupEpoch(learn: Learner): void {
    this.#curve.endPhase(learn);
  }

  override cleanupFit(): void {
    this.#learn = undefined;
  }

  override saveState(): SavedRecords {
    return structuredClone({ records: this.records, losses: this.losses });
  }

  override restoreState(state: unknown): void {
    const { records, losses }: SavedRecords = readState(savedRecords, state, 'RecorderCB');
    // A function may be new: its record begins here.
    this.records = { ...this.records, ...records };
    this.#curve.restore(losses);
  }

  /**
   * One chart for each of the functions, over the training batches; into `file` too (`.svg` or `.png`) if given.
   *
   * @throws CallbackError when there are no functions, or nothing is recorded yet
   */
  async plot(file?: string, options?: PngOptions): Promise<ChartGrid> {
    const { x } = this.losses.train;
    const names = Object.keys(this.#functions);
    if (names.length === 0 || x.length === 0)
      throw new CallbackError('There is nothing recorded to plot.', {
        where: 'RecorderCB.plot',
        hint: names.length === 0 ? 'give it functions, such as { lr: cb => cb.pg.lr }' : 'call it after fit',
      });
    const charts = names.map(name =>
      lineChart({
        title: '',
        x: { label: 'training batch' },
        y: { label: longNames[name] ?? name },
        series: [{ name, x, y: this.records[name] }],
      }),
    );
    return this.#saved(chartGrid({ charts }), file, options);
  }

  /** Training loss of every batch, validation loss of every epoch; into `file` too if given. */
  async plotLoss(file?: string, options?: PngOptions): Promise<LineChart> {
    return this.#saved(this.#curve.chart(), file, options);
  }

  async #saved<T extends LineChart | ChartGrid>(chart: T, file?: string, options?: PngOptions): Promise<T> {
    if (file !== undefined) await savePlot(chart, file, options);
    return chart;
  }
}

/** What people call records in short, written out for the axis. */
const longNames: Readonly<Record<string, string>> = {
  lr: 'learning rate',
  mom: 'momentum',
  wd: 'weight decay',
};
