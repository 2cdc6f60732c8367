/**
 * Metrics computed on the coordinator from the predictions of whole batches. They keep sums and counts, so that
 * batches of any sizes, and parts computed apart, come to the value of the whole.
 */
import { CallbackError, ConfigError } from '../errors.js';
import type { Predictions } from '../protocol/step-runner.js';
import { argmax } from './metrics/predicted-classes.js';

export abstract class Metric {
  /** Whether `update` needs the inputs of the model too: they are not fetched unasked. */
  readonly needsInputs: boolean = false;

  /** Forgets everything. */
  abstract reset(): void;
  /**
   * Takes in one batch.
   * @param preds float32, [size, …]
   * @param targets class indices, [size]
   * @param inputs what the model was given, after all transforms, [size, height, width, channels]; if `needsInputs`
   */
  abstract update(preds: Predictions, targets: Int32Array, inputs?: Predictions): void;
  /** The value over all that was taken in; NaN if that is nothing. */
  abstract compute(): number;
  /** Takes in all that `other`, of the same class and settings, has taken in. */
  abstract merge(other: this): void;
}

/** Mean over the samples of a yes or no. */
abstract class Share extends Metric {
  #yes = 0;
  #count = 0;

  /** Whether predictions [size], class indices already, will do too; `holds` then gets a width of 1. */
  protected readonly takesClasses: boolean = false;

  /** Whether the sample counts, given its row of `width` predictions that starts at `start`. */
  protected abstract holds(data: Float32Array, start: number, width: number, target: number): boolean;

  override reset(): void {
    this.#yes = 0;
    this.#count = 0;
  }

  /** @throws CallbackError if the shapes do not fit */
  override update({ data, shape }: Predictions, targets: Int32Array): void {
    const [size, width = 1] = shape;
    const fits = shape.length === 2 ? width > 1 : shape.length === 1 && this.takesClasses;
    if (!fits || size !== targets.length)
      throw new CallbackError(
        `${this.constructor.name} needs predictions [${targets.length}, classes], not [${shape.join(', ')}].`,
        {
          where: `${this.constructor.name}.update`,
          hint: 'use a metric made for this model and its targets',
        },
      );
    for (let sample = 0; sample < size; sample++)
      if (this.holds(data, sample * width, width, targets[sample])) this.#yes++;
    this.#count += size;
  }

  override compute(): number {
    return this.#yes / this.#count;
  }

  override merge(other: this): void {
    this.#yes += other.#yes;
    this.#count += other.#count;
  }
}

/** Share of the samples whose class is right: the first highest of a row, or the prediction itself if [size]. */
export class Accuracy extends Share {
  protected override readonly takesClasses = true;

  protected override holds(data: Float32Array, start: number, width: number, target: number): boolean {
    return (width === 1 ? data[start] : argmax(data, start, width)) === target;
  }
}

/** Share of the samples whose class is among the `k` highest predictions; of equals the first counts as higher. */
export class TopK extends Share {
  readonly k: number;

  /** @throws ConfigError */
  constructor(k = 5) {
    super();
    if (!Number.isInteger(k) || k < 1)
      throw new ConfigError(`k must be a whole number above 0, not ${k}.`, { where: 'TopK' });
    this.k = k;
  }

  protected override holds(data: Float32Array, start: number, width: number, target: number): boolean {
    const own = data[start + target];
    if (target < 0 || target >= width || Number.isNaN(own)) return false;
    let higher = 0;
    for (let i = 0; i < width; i++) {
      const other = data[start + i];
      if (other > own || (other === own && i < target)) higher++;
    }
    return higher < this.k;
  }
}
