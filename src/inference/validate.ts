import { MetricsCB } from '../callbacks/metrics.js';
import { LearnerError } from '../errors.js';
import type { Callback } from '../learner/callback.js';
import { addMethods } from '../learner/extend.js';
import type { Learner } from '../learner/learner.js';
import type { BatchLoader } from '../learner/loaders.js';
import type { MetricsRow } from '../learner/metrics-row.js';

export interface ValidateOptions {
  /** Default: the Learner's own validation loader. */
  readonly loader?: BatchLoader;
  /** Added for this validation. */
  readonly cbs?: readonly Callback[];
}

declare module '../learner/learner.js' {
  interface Learner {
    /**
     * Loss and metrics of the model as it is, over all samples of a loader. No optimizer is made or touched, nothing is
     * added to `metrics.history`, and callbacks that act on the course of a fit stay out.
     *
     * @throws LearnerError when a callback ended the phase before its last batch
     */
    validate(options?: ValidateOptions): Promise<MetricsRow>;
  }
}

async function validate(this: Learner, { loader, cbs = [] }: ValidateOptions = {}): Promise<MetricsRow> {
  const hasMetrics = [...this.cbs, ...cbs].some(callback => callback instanceof MetricsCB);
  this.lastRow = undefined;
  await this.runValidation(loader, hasMetrics ? cbs : [...cbs, new MetricsCB()]);
  if (!this.lastRow)
    throw new LearnerError('The validation was cancelled before it was done.', {
      where: 'validate',
      hint: 'a callback raised a CancelEpochException or CancelFitException; run it without that one',
    });
  return this.lastRow;
}

addMethods({ validate });
