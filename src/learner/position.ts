import type { Learner } from './learner.js';

/** A place between two batches of a fit, where it can be left and taken up again. */
export interface Position {
  /** From 0. */
  readonly epoch: number;
  readonly phase: 'train' | 'valid';
  /** Training batches of this epoch that are done; 0 in `valid`, which always starts over. */
  readonly batch: number;
}

export const startOf = (epoch: number, phase: Position['phase'] = 'train'): Position => ({
  epoch,
  phase,
  batch: 0,
});

/** What a fit needs to go on where another one stood. `readCheckpoint` makes one of files. */
export interface ResumePoint {
  readonly position: Position;
  /** Optimizer steps done by then. */
  readonly globalStep: number;
  /** Called with the optimizer new and no event raised yet. Sets weights, optimizer and loaders. */
  restoreModel(learn: Learner): Promise<void>;
  /** Called after `beforeFit`. Sets the optimizer's settings and the callbacks' state. */
  restoreCallbacks(learn: Learner): Promise<void>;
}
