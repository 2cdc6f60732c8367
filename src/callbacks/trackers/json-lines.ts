import type { Outcome, RunInfo, TrackedValues, Tracker } from '../../learner/tracker.js';
import { AppendedFile } from './appended-file.js';

/**
 * One JSON object a line, appended: `{"event":"start",…}`, then `{"event":"values","time":…,"step":…,"loss/batch":…}`,
 * and `{"event":"finish","outcome":…}`. JSON has no NaN and no infinity: they become null.
 */
export class JsonLinesTracker implements Tracker {
  readonly #path: string;
  readonly #now: () => Date;
  #file?: AppendedFile;

  /** @param path appended to if it is there */
  constructor(path: string, { now = () => new Date() }: { now?: () => Date } = {}) {
    this.#path = path;
    this.#now = now;
  }

  /** @throws RunFolderError */
  start({ name, config }: RunInfo): void {
    this.#file = new AppendedFile(this.#path);
    this.#add('start', { name, config });
    this.flush();
  }

  log(values: TrackedValues, step: number): void {
    this.#add('values', { step, ...values });
  }

  flush(): void {
    this.#file?.flush();
  }

  finish(outcome: Outcome): void {
    this.#add('finish', { outcome });
    this.flush();
  }

  #add(event: string, record: object): void {
    this.#file?.add(`${JSON.stringify({ event, time: this.#now().toISOString(), ...record })}\n`);
  }
}
