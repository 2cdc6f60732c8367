import { MetricsCB } from '../callbacks/metrics.js';
import type { Callback } from '../learner/callback.js';
import { stepEvents } from '../learner/events.js';

const shaping = ['beforeBatch', ...stepEvents, 'afterPredict', 'afterLoss', 'afterBackward'] as const;

/**
 * The callbacks that have a part in what a training step computes: the step itself, transforms of the batch,
 * clipping. What schedules, measures, shows or saves stays out.
 */
export function stepCallbacks(cbs: readonly Callback[]): Callback[] {
  const has = (callback: Callback, event: keyof Callback): boolean => typeof callback[event] === 'function';
  const trains = (callback: Callback): boolean =>
    shaping.some(event => event !== 'beforeBatch' && has(callback, event));
  return cbs.filter(
    callback =>
      trains(callback) ||
      (has(callback, 'beforeBatch') && !callback.fitOnly && !(callback instanceof MetricsCB)),
  );
}
