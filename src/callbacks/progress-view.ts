/** What the two ways of showing progress (`terminal-view.ts`, `plain-view.ts`) have in common. */
import type { ProgressState } from './progress-text.js';

/** What ProgressCB needs of a stream; `process.stderr` is one. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

export interface ProgressView {
  /** Shows how far things are, if it is time to. */
  update(state: ProgressState, nowMs: number): void;
  /** Adds lines that stay. */
  print(lines: readonly string[]): void;
  close(): void;
}
