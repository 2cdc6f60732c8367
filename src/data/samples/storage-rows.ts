import type { SampleSource } from './sample-source.js';

/** Rows of a source's storage, for many samples at once. */
export class StorageRows {
  readonly #rows: Uint32Array | undefined;
  #buffer = new Uint32Array(0);

  constructor({ rows }: SampleSource) {
    this.#rows = rows;
  }

  /** Those of these samples, until the next call. */
  of(indices: Uint32Array): Uint32Array {
    const rows = this.#rows;
    if (rows === undefined) return indices;
    if (this.#buffer.length < indices.length) this.#buffer = new Uint32Array(indices.length);
    for (let i = 0; i < indices.length; i++) this.#buffer[i] = rows[indices[i]];
    return this.#buffer.subarray(0, indices.length);
  }
}
