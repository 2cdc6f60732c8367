import { CallbackError } from '../../errors.js';
import type { Predictions } from '../../protocol/step-runner.js';
import { Metric } from '../metric.js';

export interface MeanSquaredErrorOptions {
  /**
   * What the predictions are compared with: the numbers in `targets` (one output a sample), or the `inputs` that the
   * model was given, after all transforms (autoencoders). The inputs are fetched from the replicas for it, which
   * costs a transfer. Default `targets`.
   */
  readonly against?: 'targets' | 'inputs';
}

/**
 * Mean of (prediction − expected)² over all elements of all samples, as scikit-learn's `mean_squared_error` and
 * torcheval's `MeanSquaredError` (both with uniform average).
 */
export class MeanSquaredError extends Metric {
  override readonly needsInputs: boolean;
  #sum = 0;
  #count = 0;

  constructor({ against = 'targets' }: MeanSquaredErrorOptions = {}) {
    super();
    this.needsInputs = against === 'inputs';
  }

  override reset(): void {
    this.#sum = 0;
    this.#count = 0;
  }

  /** @throws CallbackError if there are not as many predictions as expected values */
  override update({ data, shape }: Predictions, targets: Int32Array, inputs?: Predictions): void {
    const expected = this.needsInputs ? inputs?.data : targets;
    const count = shape.reduce((product, extent) => product * extent, 1);
    if (!expected || expected.length !== count)
      throw new CallbackError(
        `MeanSquaredError cannot compare predictions [${shape.join(', ')}] with ` +
          `${this.needsInputs ? `inputs [${inputs?.shape.join(', ')}]` : `targets [${targets.length}]`}.`,
        {
          where: 'MeanSquaredError.update',
          hint: this.needsInputs
            ? 'against: inputs needs a model whose output is as large as its input'
            : 'against: targets needs one output a sample; for an autoencoder say against: inputs',
        },
      );
    for (let i = 0; i < count; i++) this.#sum += (data[i] - expected[i]) ** 2;
    this.#count += count;
  }

  override compute(): number {
    return this.#sum / this.#count;
  }

  override merge(other: this): void {
    this.#sum += other.#sum;
    this.#count += other.#count;
  }
}
