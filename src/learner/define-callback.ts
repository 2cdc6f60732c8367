import { Callback } from './callback.js';
import type { EventName } from './events.js';
import type { Learner } from './learner.js';

/** Functions by event, and what else a callback may say of itself. */
export type CallbackParts = {
  readonly [event in EventName]?: (learn: Learner) => void | Promise<void>;
} & Partial<Pick<Callback, 'order' | 'needsPredictions' | 'fitOnly'>> & {
    /** By which errors and `showTrainingLoop` call it. */
    readonly name?: string;
  };

/**
 * A callback without a class: `defineCallback({ afterBatch: learn => losses.push(learn.loss) })`.
 *
 * @throws CallbackError when it is used, if it has a function that is no event
 */
export function defineCallback({ name = 'Defined', ...parts }: CallbackParts): Callback {
  class Defined extends Callback {}
  Object.defineProperty(Defined, 'name', { value: name });
  return Object.assign(new Defined(), parts);
}
