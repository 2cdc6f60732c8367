/** What an isolated run's process and its host tell each other. */
import type { WireError } from '../../errors.js';
import type { TrainConfig, TrainOptions } from '../config.js';
import type { RunEventBody } from '../run-events.js';
import type { TrainSummary } from '../summary.js';

/** The first message that the process gets. */
export interface RunRequest {
  readonly options: TrainOptions;
  /** Names the run in its log. */
  readonly id?: string;
  /** Whether the host wants the records of the log. */
  readonly logs: boolean;
  /** How long the run may take to stop once its host is gone, in ms. */
  readonly graceMs: number;
}

export type ToProcess =
  | { readonly type: 'run'; readonly request: RunRequest }
  /** After the step under way. */
  | { readonly type: 'stop'; readonly reason?: string }
  /** At once. */
  | { readonly type: 'abort' };

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export type FromProcess =
  | { readonly type: 'event'; readonly event: RunEventBody }
  /** The run folder was made. */
  | { readonly type: 'folder'; readonly path: string; readonly config: TrainConfig }
  | { readonly type: 'log'; readonly level: LogLevel; readonly record: object; readonly message: string }
  | { readonly type: 'end'; readonly summary: TrainSummary }
  | { readonly type: 'failed'; readonly error: WireError };
