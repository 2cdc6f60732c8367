import type { Predictions } from '../protocol/step-runner.js';
import type { ReplicaGroup } from './replica-group.js';

/**
 * Shared memory that replicas write their part of a batch to, its predictions or its inputs: float32 [capacity,
 * …sample].
 */
export class BatchMemory {
  readonly #group: ReplicaGroup;
  readonly #share: 'predictions' | 'inputs';
  readonly #sampleShape: readonly number[];
  readonly #sampleSize: number;
  #values: Float32Array = new Float32Array(0);

  /** @param sampleShape of one sample */
  constructor(group: ReplicaGroup, share: 'predictions' | 'inputs', sampleShape: readonly number[]) {
    this.#group = group;
    this.#share = share;
    this.#sampleShape = sampleShape;
    this.#sampleSize = sampleShape.reduce((n, d) => n * d, 1);
  }

  /** Makes room for `samples` samples. */
  reserve(samples: number): void {
    const length = samples * this.#sampleSize;
    if (length <= this.#values.length) return;
    const buffer = new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT);
    this.#values = new Float32Array(buffer);
    this.#group.share({ share: this.#share, buffer });
  }

  /** The first `samples` samples. */
  read(samples: number): Predictions {
    return {
      data: this.#values.subarray(0, samples * this.#sampleSize),
      shape: [samples, ...this.#sampleShape],
    };
  }
}
