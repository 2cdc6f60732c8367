import type { Predictions } from '../protocol/step-runner.js';
import type { ReplicaGroup } from './replica-group.js';

/** Shared memory that replicas write their part of a batch's predictions to: float32 [capacity, …output]. */
export class PredictionMemory {
  readonly #group: ReplicaGroup;
  readonly #outputShape: readonly number[];
  readonly #outputSize: number;
  #values: Float32Array = new Float32Array(0);

  constructor(group: ReplicaGroup, outputShape: readonly number[]) {
    this.#group = group;
    this.#outputShape = outputShape;
    this.#outputSize = outputShape.reduce((n, d) => n * d, 1);
  }

  /** Makes room for `samples` predictions. */
  reserve(samples: number): void {
    const length = samples * this.#outputSize;
    if (length <= this.#values.length) return;
    const buffer = new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT);
    this.#values = new Float32Array(buffer);
    this.#group.share({ share: 'predictions', buffer });
  }

  /** The first `samples` predictions. */
  read(samples: number): Predictions {
    return {
      data: this.#values.subarray(0, samples * this.#outputSize),
      shape: [samples, ...this.#outputShape],
    };
  }
}
