import type { ReplicaTimes, StepTimes } from '../protocol/step-runner.js';

interface Parts {
  /** Upload, augmentation, forward and backward pass. */
  readonly compute: number;
  /** All-reduce, the wait for slower replicas included. */
  readonly reduce: number;
  /** Optimizer. */
  readonly update: number;
}

/** What a replica did with the time, as shares of 0 … 1. */
export interface ReplicaShares extends Parts {
  readonly device: string;
}

/**
 * Where the time of an epoch or a run went, as shares of it, 0 … 1: all but `replicas` together are 1. What replicas do
 * is told of training alone, of steps that are done in one message; `compute`, `reduce` and `update` are means over the
 * replicas.
 */
export interface TimeShares extends Parts {
  /** Training waited for batches; absent where the loader does not tell. */
  readonly data?: number;
  /** Steps whose parts are not known: of several messages, as callbacks between their parts need them. */
  readonly steps: number;
  /** Validation as a whole. */
  readonly validation: number;
  /** Training waited for checkpoints. */
  readonly checkpoints: number;
  /** All else: callbacks, messages to the replicas, replicas started again. */
  readonly other: number;
  /** In rank order. One that was given up keeps what it had done. */
  readonly replicas: readonly ReplicaShares[];
}

const none: Parts = { compute: 0, reduce: 0, update: 0 };

const plus = (a: Parts, b: Parts): Parts => changed(a, (ms, part) => ms + b[part]);

const changed = (
  { compute, reduce, update }: Parts,
  change: (value: number, part: keyof Parts) => number,
): Parts => ({
  compute: change(compute, 'compute'),
  reduce: change(reduce, 'reduce'),
  update: change(update, 'update'),
});

const sumOf = ({ compute, reduce, update }: Parts): number => compute + reduce + update;

const partsOf = ({ compute, allReduce: reduce, update }: ReplicaTimes): Parts => ({
  compute,
  reduce,
  update,
});

/** What replicas did with a step, as their mean: unlike the slowest of each part, never longer than the step. */
export function meanParts({ replicas }: StepTimes): Parts {
  const sum = replicas.map(partsOf).reduce(plus, none);
  return changed(sum, ms => ms / replicas.length);
}

/** Adds up, in ms, what the time of a phase or a run goes into. */
export class TimeAccount {
  dataMs?: number;
  stepsMs = 0;
  validationMs = 0;
  checkpointMs = 0;
  #mean = none;
  /** By device, and the how many-th replica on it. */
  readonly #replicas = new Map<string, { readonly device: string; times: Parts }>();

  /** @param devices of the replicas, in rank order */
  addStep(step: StepTimes, devices: readonly string[]): void {
    this.#mean = plus(this.#mean, meanParts(step));
    const seen = new Map<string, number>();
    for (const [rank, replica] of step.replicas.entries()) {
      const times = partsOf(replica);
      const device = devices[rank] ?? `replica ${rank}`;
      const nth = (seen.get(device) ?? 0) + 1;
      seen.set(device, nth);
      const account = this.#replicas.get(`${device} ${nth}`);
      if (account) account.times = plus(account.times, times);
      else this.#replicas.set(`${device} ${nth}`, { device, times });
    }
  }

  addData(ms: number): void {
    this.dataMs = (this.dataMs ?? 0) + ms;
  }

  /** @param totalMs that they are the shares of */
  shares(totalMs: number): TimeShares {
    const { dataMs = 0, stepsMs, validationMs, checkpointMs } = this;
    const ofOthers = dataMs + stepsMs + validationMs + checkpointMs;
    const known = ofOthers + sumOf(this.#mean);
    const longest = Math.max(0, ...[...this.#replicas.values()].map(({ times }) => sumOf(times)));
    // Clocks of several threads: what they say together may be a little more than what passed here.
    const total = Math.max(totalMs, known, ofOthers + longest, Number.MIN_VALUE);
    const shareOf = (ms: number): number => ms / total;
    return {
      ...(this.dataMs === undefined ? {} : { data: shareOf(this.dataMs) }),
      ...changed(this.#mean, shareOf),
      steps: shareOf(this.stepsMs),
      validation: shareOf(this.validationMs),
      checkpoints: shareOf(this.checkpointMs),
      other: shareOf(total - known),
      replicas: [...this.#replicas.values()].map(({ device, times }) => {
        return { device, ...changed(times, shareOf) };
      }),
    };
  }
}

/** The replica that the others wait for, and the one that waits longest; undefined where they are alike. */
export function slowestReplica({
  replicas,
}: Pick<TimeShares, 'replicas'>):
  | { readonly slowest: number; readonly waiting: number; readonly wait: number }
  | undefined {
  if (replicas.length < 2) return undefined;
  const rankOfMost = (part: keyof Parts): number =>
    replicas.reduce((most, times, rank) => (times[part] > replicas[most][part] ? rank : most), 0);
  const slowest = rankOfMost('compute');
  const waiting = rankOfMost('reduce');
  const wait = replicas[waiting].reduce - replicas[slowest].reduce;
  return wait > 0 && waiting !== slowest ? { slowest, waiting, wait } : undefined;
}
