import type { Predictions } from '../protocol/step-runner.js';
import type { ReplicaGroup } from './replica-group.js';

/**
 * Shared memory that replicas write their part of a batch to, its predictions or its inputs: float32 [capacity,
 * …sample].
 */
export class BatchMemory {
  #group: ReplicaGroup;
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
    this.#values = new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT));
    this.#tell();
  }

  /** Goes over to another group of replicas. */
  moveTo(group: ReplicaGroup): void {
    this.#group = group;
    if (this.#values.length > 0) this.#tell();
  }

  #tell(): void {
    this.#group.share({ share: this.#share, buffer: this.#values.buffer as SharedArrayBuffer });
  }

  /** The first `samples` samples. */
  read(samples: number): Predictions {
    return {
      data: this.#values.subarray(0, samples * this.#sampleSize),
      shape: [samples, ...this.#sampleShape],
    };
  }
}
