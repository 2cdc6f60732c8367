import { ConfigError } from '../errors.js';
import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';
import type { PhaseName } from '../learner/metrics-row.js';
import type { TrackedValues, ValuesSource } from '../learner/tracker.js';

/** Of the last batches of a phase. Times are milliseconds. */
export interface Throughput {
  readonly phase: PhaseName;
  /** Batches it is the mean of. */
  readonly batches: number;
  readonly imagesPerSecond: number;
  /** From the end of one batch to the end of the next: data, replicas, and callbacks. */
  readonly step: { readonly mean: number; readonly median: number; readonly slowest: number };
  /** What the time went into, 0 … 1. Those that are not known are absent; what is left is the coordinator's own. */
  readonly shares: {
    /** Waiting for the loader. */
    readonly data?: number;
    /** Forward and backward pass; of the slowest replica, as are the next two. */
    readonly compute?: number;
    /** All-reduce, waiting for other replicas included; training only. */
    readonly reduce?: number;
    /** Optimizer; training only. */
    readonly update?: number;
  };
}

export interface ThroughputOptions {
  /** Batches that the figures are of. Default 50. */
  readonly window?: number;
  /** Called every `every` batches. */
  readonly report?: (throughput: Throughput) => unknown;
  /** Default 50. */
  readonly every?: number;
}

interface Timed {
  readonly samples: number;
  readonly ms: number;
  readonly data?: number;
  readonly compute?: number;
  readonly reduce?: number;
  readonly update?: number;
}

/**
 * Measures how fast a fit is, over a window of the last batches, and what the time goes into. The parts of a replica's
 * time are known where the step is done in one message (stock `TrainCB`, nothing listening between its parts).
 */
export class ThroughputCB extends Callback implements ValuesSource {
  readonly #window: number;
  readonly #report?: (throughput: Throughput) => unknown;
  readonly #every: number;
  #timed: Timed[] = [];
  #phase: PhaseName = 'train';
  #batches = 0;
  #markMs = 0;
  #waitedMs = 0;

  /** @throws ConfigError */
  constructor({ window = 50, report, every = 50 }: ThroughputOptions = {}) {
    super();
    for (const [name, value] of Object.entries({ window, every }))
      if (!Number.isInteger(value) || value < 1)
        throw new ConfigError(`${name} must be a whole number above 0, not ${value}.`, {
          where: 'ThroughputCB',
        });
    this.#window = window;
    this.#report = report;
    this.#every = every;
  }

  /** Of the window that ends with the last batch; undefined before the first batch of a phase. */
  get current(): Throughput | undefined {
    const timed = this.#timed;
    if (timed.length === 0) return undefined;
    const ms = timed.reduce((sum, one) => sum + one.ms, 0);
    const sorted = timed.map(one => one.ms).sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    const share = (part: keyof Timed): Record<string, number> => {
      const values = timed.map(one => one[part]);
      return values.includes(undefined)
        ? {}
        : { [part]: values.reduce<number>((sum, one) => sum + one!, 0) / ms };
    };
    return {
      phase: this.#phase,
      batches: timed.length,
      imagesPerSecond: (timed.reduce((sum, one) => sum + one.samples, 0) * 1000) / ms,
      step: {
        mean: ms / timed.length,
        median: sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2,
        slowest: sorted[sorted.length - 1],
      },
      shares: { ...share('data'), ...share('compute'), ...share('reduce'), ...share('update') },
    };
  }

  trackedValues(): TrackedValues {
    const { current } = this;
    if (!current) return {};
    const shares = Object.entries(current.shares).map(([part, value]) => [`throughput/${part}Share`, value]);
    return {
      'throughput/imagesPerSecond': current.imagesPerSecond,
      'throughput/stepMs': current.step.mean,
      ...Object.fromEntries(shares),
    };
  }

  override beforeEpoch(learn: Learner): void {
    this.#phase = learn.training ? 'train' : 'valid';
    this.#timed = [];
    this.#batches = 0;
    this.#waitedMs = 0;
    this.#markMs = learn.clock();
  }

  override async afterBatch(learn: Learner): Promise<void> {
    const now = learn.clock();
    const { waitMs } = learn.dl;
    const times = learn.result?.times;
    this.#timed.push({
      samples: learn.batch.size,
      ms: now - this.#markMs,
      data: waitMs === undefined ? undefined : waitMs - this.#waitedMs,
      compute: times?.compute,
      ...(learn.training ? { reduce: times?.allReduce, update: times?.update } : {}),
    });
    if (this.#timed.length > this.#window) this.#timed.shift();
    this.#markMs = now;
    this.#waitedMs = waitMs ?? 0;
    if (++this.#batches % this.#every === 0) await this.#report?.(this.current!);
  }
}
