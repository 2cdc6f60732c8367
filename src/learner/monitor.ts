/** Watches one column of the rows for its best value: for early stopping and whatever else acts on "better". */
import { CallbackError, ConfigError } from '../errors.js';
import type { Learner } from './learner.js';
import type { MetricsRow } from './metrics-row.js';

/** Whether lower or higher is better. */
export type MonitorMode = 'min' | 'max';

export interface MonitorOptions {
  /** Column of the row, such as `loss` or `accuracy`. Default `loss`. */
  readonly monitor?: string;
  /** Default: `min` for names that end in loss or error, else `max`. */
  readonly mode?: MonitorMode;
  /** By how much a value must be better than the best one to count. Default 0. */
  readonly minDelta?: number;
}

export class Monitor {
  readonly name: string;
  readonly mode: MonitorMode;
  readonly minDelta: number;
  /** The best value so far; undefined before the first. */
  best?: number;

  /** @throws ConfigError */
  constructor({ monitor = 'loss', mode, minDelta = 0 }: MonitorOptions = {}) {
    if (mode !== undefined && mode !== 'min' && mode !== 'max')
      throw new ConfigError(`mode must be min or max, not ${String(mode)}.`, { where: 'mode' });
    if (!(minDelta >= 0))
      throw new ConfigError(`minDelta must be 0 or above, not ${minDelta}.`, { where: 'minDelta' });
    this.name = monitor;
    this.mode = mode ?? (/(loss|error)$/i.test(monitor) ? 'min' : 'max');
    this.minDelta = minDelta;
  }

  /** @throws CallbackError if the row has no such column of numbers: its names are known only now */
  value(row: MetricsRow): number {
    const value = row[this.name];
    if (typeof value === 'number') return value;
    const columns = Object.keys(row).filter(name => typeof row[name] === 'number');
    throw new CallbackError(`There is no column ${this.name} to monitor.`, {
      where: `monitor ${this.name}`,
      hint: `the columns of a ${row.phase} row are ${columns.join(', ')}`,
    });
  }

  /** Takes in a row. Returns whether it is better than all before; NaN never is. @throws CallbackError */
  improves(row: MetricsRow): boolean {
    const value = this.value(row);
    const ahead =
      this.mode === 'min'
        ? (this.best ?? Number.POSITIVE_INFINITY) - value
        : value - (this.best ?? Number.NEGATIVE_INFINITY);
    if (!(ahead > this.minDelta)) return false;
    this.best = value;
    return true;
  }
}

/** The row of the phase just done, for the callback `watcher`. @throws CallbackError when there is no `MetricsCB` */
export function watchedRow({ metrics, lastRow }: Learner, watcher: string): MetricsRow {
  if (metrics && lastRow) return lastRow;
  throw new CallbackError(`${watcher} has no rows to watch.`, {
    where: 'cbs',
    hint: 'add new MetricsCB() to cbs',
  });
}
