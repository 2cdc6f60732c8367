/** What a run tells while it goes on: plain JSON, one object for each thing that happened. */
import type { DataProgress } from '../data/parquet/parquet-splits.js';
import type { ErrorDetails, GradringError } from '../errors.js';
import type { Position } from '../learner/position.js';
import type { RunWarning } from '../protocol/warning.js';
import type { EpochRecord } from './epoch-record.js';
import type { TrainSummary } from './summary.js';
import type { RunStart } from './train-context.js';

/** How far a phase is. */
export interface RunProgress {
  /** From 1. */
  readonly epoch: number;
  /** Batches of this phase that are done. */
  readonly batch: number;
  /** Batches that it has. */
  readonly batches: number;
  /** Optimizer steps done. */
  readonly step: number;
  /** Mean over the samples of the newest batch; null where it is no finite number. */
  readonly loss: number | null;
  readonly phase: Position['phase'];
}

/** An error as plain JSON. */
export interface RunFailure extends Omit<ErrorDetails, 'cause'> {
  /** Stable code of a `GradringError`; else the error's own code or name. */
  readonly code: string;
  readonly message: string;
}

export type RunEventBody =
  /** Before the first step, and again where a run that was isolated is started anew. */
  | { readonly type: 'start'; readonly start: RunStart }
  /** While data are downloaded or unpacked; only the newest is kept. */
  | { readonly type: 'data'; readonly progress: DataProgress }
  /** Four a second at most; only the newest is kept. */
  | ({ readonly type: 'progress' } & RunProgress)
  | { readonly type: 'epoch'; readonly record: EpochRecord }
  | { readonly type: 'warning'; readonly warning: RunWarning }
  /** What a recipe printed; without a replica: what something else in the process of an isolated run did. */
  | { readonly type: 'output'; readonly replica?: number; readonly text: string }
  /** A checkpoint is on the disk. `path` is without extension. */
  | { readonly type: 'checkpoint'; readonly path: string; readonly step: number }
  /** In place of that many events that whoever reads was too late for. */
  | { readonly type: 'gap'; readonly dropped: number }
  /** The last one of a run that ended well, or was stopped. */
  | { readonly type: 'end'; readonly summary: TrainSummary }
  /** The last one of a run that did not. */
  | { readonly type: 'failed'; readonly error: RunFailure };

/** Which run, when (ms since 1970), and the how many-th event of it, from 1. */
export interface EventStamp {
  readonly run: string;
  readonly time: number;
  readonly seq: number;
}

export type RunEvent = RunEventBody & EventStamp;

/** Anything thrown, as plain JSON. */
export function failureOf(thrown: unknown): RunFailure {
  if (!(thrown instanceof Error)) return { code: 'Error', message: String(thrown) };
  const { code, where, hint, replica, step, phase } = thrown as Partial<GradringError>;
  return { code: code ?? thrown.name, message: thrown.message, where, hint, replica, step, phase };
}
