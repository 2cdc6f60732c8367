import { ConfigError } from '../errors.js';
import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';
import type { MetricsRow } from '../learner/metrics-row.js';
import { isValuesSource, type Tracker } from '../learner/tracker.js';

export interface TrackerOptions {
  /** Log every so many optimizer steps. Default 1. */
  readonly every?: number;
  /** Default `run`. */
  readonly name?: string;
  /** Settings to keep beside the numbers; JSON. */
  readonly config?: Readonly<Record<string, unknown>>;
}

const flushEveryMs = 1000;

/** Columns of a row that say where it belongs rather than what was measured. */
const placeColumns = new Set(['epoch', 'phase', 'step', 'lr']);

/**
 * Logs a fit to trackers. With each optimizer step: `loss/batch`, `lr` (`lr/0`, `lr/1` … if there are several
 * groups), and what other callbacks measure (`ThroughputCB`, `DeviceStatsCB`); after each phase `epoch` and the
 * row of `MetricsCB`, if there is one, as `loss/train`, `accuracy/valid` and so on. Numbers, never strings.
 */
export class TrackerCB extends Callback {
  /** After MetricsCB, whose rows it logs, and after what measures. */
  override order = 2;
  override readonly fitOnly = true;
  readonly #trackers: readonly Tracker[];
  readonly #every: number;
  readonly #name: string;
  readonly #config: Readonly<Record<string, unknown>>;
  #started: Tracker[] = [];
  #rates: readonly number[] = [];
  #flushedAtMs = 0;
  #completed = false;

  /** @throws ConfigError */
  constructor(trackers: Tracker | readonly Tracker[], options: TrackerOptions = {}) {
    super();
    const { every = 1, name = 'run', config = {} } = options;
    if (!Number.isInteger(every) || every < 1)
      throw new ConfigError(`every must be a whole number above 0, not ${every}.`, { where: 'TrackerCB' });
    this.#trackers = [trackers].flat();
    this.#every = every;
    this.#name = name;
    this.#config = config;
  }

  override async beforeFit(learn: Learner): Promise<void> {
    this.#completed = false;
    this.#flushedAtMs = learn.clock();
    this.#started = [];
    for (const tracker of this.#trackers) {
      await tracker.start({ name: this.#name, config: this.#config });
      this.#started.push(tracker);
    }
  }

  /** A scheduler moves the rate on in `afterBatch`: now it is still the one this batch is trained with. */
  override beforeBatch(learn: Learner): void {
    this.#rates = learn.opt.paramGroups.map(({ lr }) => lr);
  }

  override async afterBatch(learn: Learner): Promise<void> {
    if (!learn.stepped || learn.globalStep % this.#every !== 0) return;
    const rates = this.#rates.map(
      (lr, group) => [this.#rates.length > 1 ? `lr/${group}` : 'lr', lr] as const,
    );
    const measured = learn.cbs.filter(isValuesSource).map(source => source.trackedValues());
    await this.#log(
      { 'loss/batch': learn.loss, ...Object.fromEntries(rates), ...Object.assign({}, ...measured) },
      learn,
    );
    if (learn.clock() - this.#flushedAtMs >= flushEveryMs) await this.#flush(learn);
  }

  override async afterEpoch(learn: Learner): Promise<void> {
    const row = learn.metrics ? learn.lastRow : undefined;
    await this.#log({ epoch: learn.epoch + 1, ...(row ? rowValues(row) : {}) }, learn);
    await this.#flush(learn);
  }

  override afterFit(): void {
    this.#completed = true;
  }

  /** All are finished, even if one of them fails. */
  override async cleanupFit(learn: Learner): Promise<void> {
    const early = learn.failure === undefined ? 'stopped' : 'failed';
    const outcome = this.#completed ? 'completed' : early;
    const started = this.#started;
    this.#started = [];
    const ends = await Promise.allSettled(started.map(async tracker => tracker.finish(outcome)));
    const failed = ends.find(end => end.status === 'rejected');
    if (failed) throw failed.reason;
  }

  async #log(values: Record<string, number>, { globalStep }: Learner): Promise<void> {
    for (const tracker of this.#started) await tracker.log(values, globalStep);
  }

  async #flush(learn: Learner): Promise<void> {
    this.#flushedAtMs = learn.clock();
    for (const tracker of this.#started) await tracker.flush();
  }
}

const rowValues = (row: MetricsRow): Record<string, number> =>
  Object.fromEntries(
    Object.entries(row)
      .filter(
        (entry): entry is [string, number] => !placeColumns.has(entry[0]) && typeof entry[1] === 'number',
      )
      .map(([name, value]) => [`${name}/${row.phase}`, value]),
  );
