import { Callback } from './callback.js';
import type { EventName } from './events.js';
import type { Learner } from './learner.js';

/** Functions by event, and what else a callback may say of itself. */
export type CallbackParts = {
  readonly [event in EventName]?: (learn: Learner) => void | Promise<void>;
} & Partial<Pick<Callback, 'order' | 'needsPredictions' | 'fitOnly'>>;

/**
 * A callback without a class: `defineCallback({ afterBatch: learn => losses.push(learn.loss) })`.
 *
 * @throws CallbackError when it is used, if it has a function that is no event
 */
export function defineCallback(parts: CallbackParts): Callback {
  class Defined extends Callback {}
  return Object.assign(new Defined(), parts);
}
