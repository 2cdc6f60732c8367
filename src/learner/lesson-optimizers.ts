/** The optimizers of the lessons, to the letter, for following them; `nn/lesson-rules.ts` has their formulas. */
import { type AdamSettings, type OptFunc, type OptimizerOptions, optimizerFactory } from './optimizer.js';

export interface LessonSettings {
  /** The parameter is first shrunk by lr · weightDecay (decoupled). Default 0. */
  readonly weightDecay: number;
}

export interface LessonMomentumSettings extends LessonSettings {
  /** Decay of the running mean of the gradient. Default 0.9. */
  readonly momentum: number;
}

export interface LessonRmspropSettings extends LessonSettings {
  /** Decay of the running mean of the squared gradient. Default 0.99. */
  readonly alpha: number;
  /** Added to the denominator, outside of the root. Default 1e-5. */
  readonly eps: number;
}

/** Gradient descent. */
export function lessonSgd(options: OptimizerOptions<LessonSettings> = {}): OptFunc {
  return optimizerFactory('lessonSgd', { weightDecay: 0 }, options);
}

/** Damped momentum: a running mean of the gradient, so that the step is 1 − momentum times that of `sgd`. */
export function lessonMomentum(options: OptimizerOptions<LessonMomentumSettings> = {}): OptFunc {
  return optimizerFactory('lessonMomentum', { momentum: 0.9, weightDecay: 0 }, options);
}

/** RMSProp whose mean of squares starts at the first gradient's. */
export function lessonRmsprop(options: OptimizerOptions<LessonRmspropSettings> = {}): OptFunc {
  return optimizerFactory('lessonRmsprop', { alpha: 0.99, eps: 1e-5, weightDecay: 0 }, options);
}

/** Adam with eps (default 1e-5) inside the root and betas [0.9, 0.99]. */
export function lessonAdam(options: OptimizerOptions<AdamSettings> = {}): OptFunc {
  return optimizerFactory('lessonAdam', { betas: [0.9, 0.99], eps: 1e-5, weightDecay: 0 }, options);
}
