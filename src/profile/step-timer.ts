/** Times steps that take microseconds, on a machine that may be busy with other things. */
import { setImmediate } from 'node:timers/promises';
import { medianOf, sum } from '../statistics.js';

/** Of the whole time: what one pass over the samples may take, so that there are several of each step. */
const PASS_SHARE = 1 / 12;
/** Samples timed together: reading the clock for each would be a good part of what a copy takes. */
const TOGETHER = 16;
/** Longest time without a turn of the event loop, which an abort needs. */
const TURN_MS = 10;

/** A step of the work, for each of some samples: done at once, where nothing has to be waited for. */
export interface Step {
  readonly samples: number;
  run(sample: number): unknown;
}

/** Passes over some samples, again and again for a while. */
export class Passes {
  readonly #ms: number;
  readonly #signal: AbortSignal | undefined;
  #turned = performance.now();

  /** @param ms that all passes may take, about */
  constructor(ms: number, signal: AbortSignal | undefined) {
    this.#ms = ms;
    this.#signal = signal;
  }

  /** The first samples that one pass has the time for, one at least; their files are then in the page cache. */
  async affordable(rows: readonly number[], read: (row: number) => unknown): Promise<readonly number[]> {
    const start = performance.now();
    for (let count = 0; count < rows.length; count++) {
      if (count > 0 && performance.now() - start > PASS_SHARE * this.#ms) return rows.slice(0, count);
      await read(rows[count]);
      await this.#turn();
    }
    return rows;
  }

  /**
   * Microseconds a sample, for each step; 0 for no samples. The steps take turns, so that a change of load meets all of
   * them. Of every few samples the median counts: on a busy machine a longer time is rarely the samples' own.
   */
  async inTurns(steps: readonly Step[]): Promise<number[]> {
    const timers = steps.map(step => new StepTimer(step));
    const start = performance.now();
    for (let pass = 0; pass < 2 || performance.now() - start < this.#ms; pass++) {
      for (const timer of timers) await timer.pass(() => this.#turn());
    }
    return timers.map(({ us }) => us);
  }

  async #turn(): Promise<void> {
    if (performance.now() - this.#turned < TURN_MS) return;
    await setImmediate(undefined, { signal: this.#signal });
    this.#turned = performance.now();
  }
}

/** Times of one step: a list for every few samples that are timed together, one time for each pass. */
class StepTimer {
  readonly #step: Step;
  readonly #ms: number[][] = [];

  constructor(step: Step) {
    this.#step = step;
  }

  async pass(between: () => Promise<void>): Promise<void> {
    const { samples, run } = this.#step;
    for (let first = 0; first < samples; first += TOGETHER) {
      const end = Math.min(first + TOGETHER, samples);
      const start = performance.now();
      for (let i = first; i < end; i++) {
        const pending = run(i);
        if (pending instanceof Promise) await pending;
      }
      const ms = performance.now() - start;
      const block = first / TOGETHER;
      this.#ms[block] ??= [];
      this.#ms[block].push(ms);
      await between();
    }
  }

  /** A sample's, from the later half of the passes: in the first ones the code is not compiled yet. */
  get us(): number {
    const typical = this.#ms.map(times => medianOf(times.slice(times.length >> 1)));
    return (1000 * sum(typical)) / Math.max(this.#step.samples, 1);
  }
}
