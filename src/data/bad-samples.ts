/** Samples that cannot be used, and what a loader does about them. */
import { SampleError } from '../errors.js';
import type { RunWarning } from '../protocol/warning.js';

/** `fail`: the first one ends the epoch; `skip`: it is left out of its batch. */
export const badSamplePolicies = ['fail', 'skip'] as const;
export type BadSamplePolicy = (typeof badSamplePolicies)[number];

/** A sample that was left out. */
export interface BadSample {
  /** Of the loader's dataset. */
  readonly row: number;
  /** File and row, as the dataset names them. */
  readonly where: string;
  readonly reason: string;
}

export interface BadSampleListeners {
  /** Told of each row that is left out, the first time. */
  readonly onBadRow?: (sample: BadSample) => void;
  /** Told of it as a warning, `W_BAD_SAMPLE`. */
  readonly onWarning?: (warning: RunWarning) => void;
}

/** Samples named in the error that ends an epoch. */
const LISTED = 5;

export function badSample(row: number, error: SampleError): BadSample {
  const { where = '', cause, message } = error;
  return { row, where, reason: cause instanceof Error ? cause.message : message };
}

/** The rows that a loader has left out, in the order in which it came to them. */
export class BadSamples {
  readonly #byRow = new Map<number, BadSample>();
  readonly #most: number;
  readonly #listeners: BadSampleListeners;

  /** @param most rows that may be left out; listeners are told of each before the count is checked */
  constructor(most: number, listeners: BadSampleListeners = {}) {
    this.#most = most;
    this.#listeners = listeners;
  }

  get list(): readonly BadSample[] {
    return [...this.#byRow.values()];
  }

  /** @throws SampleError where there are too many by now */
  add(sample: BadSample): void {
    const { row, where, reason } = sample;
    if (this.#byRow.has(row)) return;
    this.#byRow.set(row, sample);
    this.#listeners.onBadRow?.(sample);
    this.#listeners.onWarning?.({
      code: 'W_BAD_SAMPLE',
      message: `left out ${where}: ${reason}`,
      hint: 'replace the file, or take it out of the dataset',
    });
    if (this.#byRow.size > this.#most)
      throw tooBad(`more than ${this.#most} samples cannot be used`, this.list, 'raise maxBadSamples');
  }
}

/** @param batch what it is called, such as `batch 3 of epoch 0` */
export function nothingGood(batch: string, samples: readonly BadSample[]): SampleError {
  return tooBad(`no sample of ${batch} can be used`, samples, 'leave the files out');
}

function tooBad(what: string, samples: readonly BadSample[], instead: string): SampleError {
  const first = samples.slice(0, LISTED).map(({ where, reason }) => `${where}: ${reason}`);
  const more = samples.length > LISTED ? '; …' : '';
  return new SampleError(`${what}: ${first.join('; ')}${more}`, {
    where: samples[0].where,
    hint: `see whether the data can be read at all, or ${instead}`,
  });
}
