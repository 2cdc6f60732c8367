import type { StepResult } from '../protocol/step-runner.js';
import type { Callback } from './callback.js';
import type { LearningRate } from './learning-rate.js';
import type { OptFunc } from './optimizer.js';
import type { ResumePoint } from './position.js';

export interface LearnerOptions {
  /** Learning rate of every fit that is given none: one, or one for each parameter group. Default 0.1. */
  readonly lr?: LearningRate;
  /** Callbacks of every fit. */
  readonly cbs?: readonly Callback[];
  /** Makes the optimizer of each fit; null: keep the one there is, with its moments. Default `sgd()`. */
  readonly optFunc?: OptFunc | null;
  /** Ends the fit after the current step, as a `CancelFitException` would, and sets `stopped`. */
  readonly signal?: AbortSignal;
  /** Raise `DivergedError` when the training loss is NaN or infinite. Default true. */
  readonly stopOnNonFinite?: boolean;
  /** Milliseconds of a clock that never goes back. Default `performance.now`. */
  readonly clock?: () => number;
}

export interface FitOptions {
  /** Train in each epoch. Default true. */
  readonly train?: boolean;
  /** Validate in each epoch. Default true. */
  readonly valid?: boolean;
  /** Callbacks of this fit only, run after those of equal order. */
  readonly cbs?: readonly Callback[];
  /** First epoch, from 0: the others count as done. Default 0. */
  readonly startEpoch?: number;
  /**
   * Go on where this checkpoint was made, with its weights, optimizer, position and callbacks' states: a path, or a
   * folder, whose newest is taken. Epochs are counted from the beginning of the first fit.
   */
  readonly resume?: string | ResumePoint;
  /** Learning rate of this fit only: one, or one for each parameter group. */
  readonly lr?: LearningRate;
}

/** What a batch came to: all of a `StepResult` that the way it was done can tell. */
export type BatchResult = Pick<StepResult, 'loss' | 'metrics'> & Partial<StepResult>;
