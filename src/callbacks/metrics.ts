import { z } from 'zod';
import { CallbackError } from '../errors.js';
import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';
import { Metric } from '../learner/metric.js';
import { type MetricsRow, type MetricsSource, ownColumns, type RowListener } from '../learner/metrics-row.js';
import type { Predictions, Tally } from '../protocol/step-runner.js';
import { metricsText } from './metrics-text.js';
import { readState } from './saved-state.js';

/** Columns are the user's own; JSON has null for NaN. */
const savedRows = z.array(z.record(z.string(), z.unknown()));

const camelCase = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);

/**
 * Makes a row of numbers of every finished phase: loss and metrics over all samples, and how fast it went. A metric
 * given by itself is called after its class (`accuracy`), one in a record by its key; those that the recipe
 * computes on the devices join them. A phase that was cancelled makes no row.
 */
export class MetricsCB extends Callback implements MetricsSource {
  override readonly needsPredictions: boolean;
  /** All rows so far, those of earlier fits too. */
  readonly history: MetricsRow[] = [];
  /**
   * Called with each new row as strings for people, and waited for; replace it at any time:
   * `metrics.log = text => console.log(text)`. Nothing is printed without it.
   */
  log?: (text: Readonly<Record<string, string>>, row: MetricsRow) => unknown;
  readonly #metrics = new Map<string, Metric>();
  readonly #needsInputs: boolean;
  readonly #listeners = new Set<RowListener>();
  #tallies = new Map<string, Tally>();
  #loss: Tally = { sum: 0, count: 0 };
  #lr = Number.NaN;
  #startMs = 0;

  /** @throws CallbackError on two of one name, or a name that a column of the row already has */
  constructor(...metrics: (Metric | Readonly<Record<string, Metric>>)[]) {
    super();
    for (const given of metrics) {
      const named = given instanceof Metric ? { [camelCase(given.constructor.name)]: given } : given;
      for (const [name, metric] of Object.entries(named)) {
        checkName(name, this.#metrics);
        this.#metrics.set(name, metric);
      }
    }
    this.needsPredictions = this.#metrics.size > 0;
    this.#needsInputs = [...this.#metrics.values()].some(({ needsInputs }) => needsInputs);
  }

  /** Calls `listener` with each new row, and waits for it. Returns how to end that. */
  addListener(listener: RowListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  override beforeFit(learn: Learner): void {
    if (learn.metrics)
      throw new CallbackError('There are two MetricsCB in one fit.', {
        where: 'cbs',
        hint: 'give all metrics to one: new MetricsCB(new Accuracy(), { top3: new TopK(3) })',
      });
    learn.metrics = this;
  }

  override beforeEpoch(learn: Learner): void {
    for (const metric of this.#metrics.values()) metric.reset();
    this.#tallies = new Map();
    this.#loss = { sum: 0, count: 0 };
    this.#startMs = learn.clock();
  }

  /** A scheduler moves the rate on in `afterBatch`: now it is still the one this batch is trained with. */
  override beforeBatch(learn: Learner): void {
    if (learn.training) this.#lr = learn.opt.paramGroups[0].lr;
  }

  override async afterBatch(learn: Learner): Promise<void> {
    const { preds, result } = learn;
    if (!result)
      throw new CallbackError('MetricsCB found no loss for the batch.', {
        where: 'getLoss',
        hint: 'whatever supplies getLoss must hand its result to learn.accept',
      });
    this.#loss = add(this.#loss, result.loss);
    for (const [name, tally] of Object.entries(result.metrics)) {
      checkName(name, this.#metrics);
      this.#tallies.set(name, add(this.#tallies.get(name), tally));
    }
    if (!preds && this.needsPredictions)
      throw new CallbackError('MetricsCB found no predictions for the batch.', {
        where: 'predict',
        hint: 'whatever supplies predict must set learn.preds when learn.needsPredictions',
      });
    if (preds) await this.#update(learn, preds);
  }

  async #update({ runner, batch, training }: Learner, preds: Predictions): Promise<void> {
    const inputs = this.#needsInputs ? await runner.inputs(batch, { training }) : undefined;
    for (const metric of this.#metrics.values()) metric.update(preds, batch.labels, inputs);
  }

  override async afterEpoch(learn: Learner): Promise<void> {
    const row = this.#row(learn);
    learn.lastRow = row;
    if (!learn.fitting) return;
    this.history.push(row);
    for (const listener of this.#listeners) await listener(row);
    await this.log?.(metricsText(row), row);
  }

  override saveState(): unknown {
    return this.history;
  }

  /** The rows of the fit that is resumed. What its last phase had measured when it was left is not kept. */
  override restoreState(state: unknown): void {
    // JSON has null for NaN.
    const rows = readState(savedRows, state, 'MetricsCB').map(row =>
      Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? Number.NaN])),
    );
    this.history.splice(0, this.history.length, ...(rows as MetricsRow[]));
  }

  #row({ epoch, training, globalStep, dl, clock }: Learner): MetricsRow {
    const ms = clock() - this.#startMs;
    const samples = this.#loss.count;
    const values = new Map<string, number>();
    for (const [name, metric] of this.#metrics) values.set(name, metric.compute());
    for (const [name, { sum, count }] of this.#tallies) values.set(name, sum / count);
    return {
      epoch: epoch + 1,
      phase: training ? 'train' : 'valid',
      step: globalStep,
      loss: this.#loss.sum / samples,
      ...Object.fromEntries(values),
      samples,
      seconds: ms / 1000,
      imagesPerSecond: (samples * 1000) / ms,
      ...(dl.waitMs === undefined ? {} : { dataShare: dl.waitMs / ms }),
      ...(training ? { lr: this.#lr } : {}),
    };
  }
}

const add = (a: Tally = { sum: 0, count: 0 }, b: Tally): Tally => ({
  sum: a.sum + b.sum,
  count: a.count + b.count,
});

function checkName(name: string, taken: ReadonlyMap<string, Metric>): void {
  if (!ownColumns.has(name) && !taken.has(name)) return;
  const problem = taken.has(name)
    ? `Two metrics are called ${name}`
    : `A metric is called ${name}, as a column is`;
  throw new CallbackError(`${problem}.`, {
    where: `metric ${name}`,
    hint: 'name it yourself: new MetricsCB({ anotherName: metric })',
  });
}
