import type { Predictions } from '../../protocol/step-runner.js';
import { Metric } from '../metric.js';

/**
 * The hand-made metric of the lessons: a weighted mean of values, Σ value·n / Σ n. `calc` says what the value of an
 * input is, here the input itself; derive from it and override `calc` for a metric that is a mean over a batch:
 *
 *     class HitRate extends Mean {
 *       override calc(preds: Predictions, targets: Int32Array): number { … }
 *     }
 *
 * A batch weighs as much as it has samples unless `n` says otherwise: a mean of means would be wrong for uneven
 * batches, as is the lessons' accuracy, which is added with n = 1. A value that is no mean over samples (a maximum,
 * a precision) cannot be put together this way.
 */
export class Mean extends Metric {
  #sum = 0;
  #weight = 0;

  /**
   * The value of one input.
   * @param input a number, or the predictions of a batch: the mean of all their elements
   */
  calc(input: number | Predictions, _target?: Int32Array): number {
    if (typeof input === 'number') return input;
    return input.data.reduce((sum, value) => sum + value, 0) / input.data.length;
  }

  /** @param n weight. Default: the samples of a batch; 1 for a number */
  add(
    input: number | Predictions,
    target?: Int32Array,
    n = typeof input === 'number' ? 1 : input.shape[0],
  ): void {
    this.#sum += this.calc(input, target) * n;
    this.#weight += n;
  }

  /** NaN of nothing, as 0/0 is. */
  get value(): number {
    return this.#sum / this.#weight;
  }

  override reset(): void {
    this.#sum = 0;
    this.#weight = 0;
  }

  override update(preds: Predictions, targets: Int32Array): void {
    this.add(preds, targets);
  }

  override compute(): number {
    return this.value;
  }

  override merge(other: this): void {
    this.#sum += other.#sum;
    this.#weight += other.#weight;
  }
}
