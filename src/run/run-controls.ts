import type { RunEventBody } from './run-events.js';

/** What a run is given to hear and to tell. */
export interface RunControls {
  readonly emit: (event: RunEventBody) => void;
  /** Ends it after the step under way. */
  readonly signal: AbortSignal;
  /** Ends it at once. */
  readonly abortSignal: AbortSignal;
}
