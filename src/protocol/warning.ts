/** What a person should know of a run that goes on all the same. */
export interface RunWarning {
  /** Stable, such as `W_STALL`; listed in docs/errors.md. */
  readonly code: string;
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
  /** Rank of the replica it is about. */
  readonly replica?: number;
  /** Optimizer steps done. */
  readonly step?: number;
  /** What the replica was doing (see `phases.ts`). */
  readonly phase?: string;
}
