import { type Percentiles, percentilesOf, type Spread, spreadOf } from '../statistics.js';

/** Parts that the time of a measurement is divided into: their rates give the median and the spread. */
const WINDOWS = 5;
/** With so many it ends as well, once the time is over: batches that take longer than a window make longer ones. */
const LEAST_WINDOWS = 3;

export interface Rates {
  readonly imagesPerSecond: Spread;
  /** From one batch to the next. */
  readonly batchMs: Percentiles;
}

/** Turns the times at which batches were done into rates: about as many seconds as asked for, in equal windows. */
export class RateWindows {
  readonly #windowMs: number;
  readonly #endMs: number;
  readonly #intervals: number[] = [];
  readonly #rates: number[] = [];
  #last: number;
  #start: number;
  #images = 0;
  #total = 0;

  /** @param now when the measurement begins, ms of `performance.now` */
  constructor(seconds: number, now: number) {
    this.#windowMs = (1000 * seconds) / WINDOWS;
    this.#endMs = now + 1000 * seconds;
    this.#last = now;
    this.#start = now;
  }

  /** A batch of so many images was done at `now`. True once the measurement is complete. */
  add(images: number, now: number): boolean {
    this.#intervals.push(now - this.#last);
    this.#last = now;
    this.#images += images;
    this.#total += images;
    if (now - this.#start >= this.#windowMs) {
      this.#rates.push((1000 * this.#images) / (now - this.#start));
      this.#start = now;
      this.#images = 0;
    }
    const windows = this.#rates.length;
    return windows === WINDOWS || (windows >= LEAST_WINDOWS && now >= this.#endMs);
  }

  /** Images so far. */
  get images(): number {
    return this.#total;
  }

  get rates(): Rates {
    return { imagesPerSecond: spreadOf(this.#rates), batchMs: percentilesOf(this.#intervals) };
  }
}
