import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';
import type { TransformSpec } from '../protocol/batch.js';

export interface BatchTransformOptions {
  /** Default true. */
  readonly onTrain?: boolean;
  /** Default true. */
  readonly onValid?: boolean;
}

/** Has the replicas transform each batch on their devices, after the transforms it comes with. */
export class BatchTransformCB extends Callback {
  readonly #specs: readonly TransformSpec[];
  readonly #onTrain: boolean;
  readonly #onValid: boolean;

  constructor(
    specs: TransformSpec | readonly TransformSpec[],
    { onTrain = true, onValid = true }: BatchTransformOptions = {},
  ) {
    super();
    this.#specs = [specs].flat();
    this.#onTrain = onTrain;
    this.#onValid = onValid;
  }

  override beforeBatch(learn: Learner): void {
    if (!(learn.training ? this.#onTrain : this.#onValid)) return;
    // A copy: the loader's own batch stays as it is.
    learn.batch = { ...learn.batch, transforms: [...learn.batch.transforms, ...this.#specs] };
  }
}
