import { hostname } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '../../errors.js';
import type { Outcome, RunInfo, TrackedValues, Tracker } from '../../learner/tracker.js';
import { AppendedFile } from './appended-file.js';
import {
  type Histogram,
  histogramValue,
  imageValue,
  scalarValue,
  summaryEvent,
  textValue,
  versionEvent,
} from './event-file.js';

export interface TensorBoardOptions {
  /** Seconds since 1970. Default: the clock. */
  readonly now?: () => number;
}

/** Of the files of this process, so that two begun in one second have two names. */
let filesBegun = 0;

/**
 * Event files that TensorBoard shows: `tensorboard --logdir <folder>`. Each fit writes a file of its own into
 * `folder`, which TensorBoard reads as one run; runs to be compared need a folder each. The settings are under Text.
 */
export class TensorBoardTracker implements Tracker {
  readonly #folder: string;
  readonly #now: () => number;
  #file?: AppendedFile;
  #step = 0;

  constructor(folder: string, { now = () => Date.now() / 1000 }: TensorBoardOptions = {}) {
    this.#folder = folder;
    this.#now = now;
  }

  /** The file under way, or the last one. */
  get path(): string | undefined {
    return this.#file?.path;
  }

  /** @throws RunFolderError */
  start({ name, config }: RunInfo): void {
    const now = this.#now();
    const file = `events.out.tfevents.${Math.floor(now)}.${hostname()}.${process.pid}.${filesBegun++}`;
    this.#file = new AppendedFile(join(this.#folder, file));
    this.#file.add(versionEvent(now));
    // Indented by four, TensorBoard's Markdown shows it as it is.
    const json = JSON.stringify({ name, ...config }, null, 2).replaceAll(/^/gm, '    ');
    this.#step = 0;
    this.#add(0, textValue('config', json));
    this.flush();
  }

  /** One record for all values of the step. */
  log(values: TrackedValues, step: number): void {
    this.#add(step, ...Object.entries(values).map(([name, value]) => scalarValue(name, value)));
  }

  /** Counts values in `bins` bins of equal width. Those that are not finite are left out. @throws ConfigError */
  histogram(tag: string, values: ArrayLike<number>, step: number, bins = 30): void {
    if (!Number.isInteger(bins) || bins < 1)
      throw new ConfigError(`bins must be a whole number above 0, not ${bins}.`, {
        where: `histogram ${tag}`,
      });
    const finite = Array.from(values).filter(Number.isFinite);
    if (finite.length > 0) this.#add(step, histogramValue(tag, histogramOf(finite, bins)));
  }

  /** @param png the encoded file */
  image(tag: string, png: Uint8Array, size: { width: number; height: number }, step: number): void {
    this.#add(step, imageValue(tag, png, size.width, size.height));
  }

  flush(): void {
    this.#file?.flush();
  }

  finish(outcome: Outcome): void {
    this.#add(this.#step, textValue('outcome', outcome));
    this.flush();
  }

  #add(step: number, ...values: readonly Uint8Array[]): void {
    this.#step = step;
    this.#file?.add(summaryEvent(this.#now(), step, values));
  }
}

function histogramOf(values: readonly number[], bins: number): Histogram {
  const min = values.reduce((least, value) => Math.min(least, value));
  const max = values.reduce((most, value) => Math.max(most, value));
  // All values equal: one bin of some width, or TensorBoard draws nothing.
  const width = (max - min) / bins || 1;
  const counts = Array<number>(max === min ? 1 : bins).fill(0);
  for (const value of values) counts[Math.min(counts.length - 1, Math.floor((value - min) / width))]++;
  return {
    min,
    max,
    count: values.length,
    sum: values.reduce((sum, value) => sum + value, 0),
    sumOfSquares: values.reduce((sum, value) => sum + value * value, 0),
    limits: counts.map((_, bin) => (max === min ? max + 1 : min + (bin + 1) * width)),
    counts,
  };
}
