/** Where the numbers of a run are kept: files, a dashboard, a service. Four methods, so that any can be plugged in. */

/** How a fit ended: all epochs done; ended early by a callback or a signal; ended by an error. */
export type Outcome = 'completed' | 'stopped' | 'failed';

export interface RunInfo {
  readonly name: string;
  /** Settings worth keeping beside the numbers; JSON. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** Numbers by name; a `/` in a name groups it with others, as in `loss/train`. Values may be NaN or infinite. */
export type TrackedValues = Readonly<Record<string, number>>;

/**
 * Every method may be asynchronous and is awaited, in the middle of training: keep `log` short, and do slow work in
 * `flush`. What it throws ends the fit. After `finish` there may be another `start`: a second fit.
 */
export interface Tracker {
  start(run: RunInfo): void | Promise<void>;
  /** @param step optimizer steps done; never falls within a fit */
  log(values: TrackedValues, step: number): void | Promise<void>;
  /** Makes what was logged visible to readers. Called about once a second, and after each phase. */
  flush(): void | Promise<void>;
  /** The fit is over, however it ended. Called once for each `start`. */
  finish(outcome: Outcome): void | Promise<void>;
}

/** A callback that measures something that trackers should log with each batch. */
export interface ValuesSource {
  /** The newest values; empty where there are none yet. */
  trackedValues(): TrackedValues;
}

export const isValuesSource = <T extends object>(callback: T): callback is T & ValuesSource =>
  'trackedValues' in callback && typeof callback.trackedValues === 'function';
