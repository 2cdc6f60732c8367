/**
 * Exponential moving average of a model's weights, parameters and buffers, in host memory. Replicas that hold the same
 * weights compute the same average, bit for bit, each for itself.
 */
export class AverageWeights {
  readonly parameters: Float32Array;
  readonly buffers: Float32Array;

  /** Begins as a copy. */
  constructor(parameters: Float32Array, buffers: Float32Array) {
    this.parameters = Float32Array.from(parameters);
    this.buffers = Float32Array.from(buffers);
  }

  /** average = decay · average + (1 − decay) · weights */
  move(parameters: Float32Array, buffers: Float32Array, decay: number): void {
    blend(this.parameters, parameters, decay);
    blend(this.buffers, buffers, decay);
  }
}

function blend(average: Float32Array, values: Float32Array, decay: number): void {
  const rest = 1 - decay;
  for (let i = 0; i < average.length; i++) average[i] = decay * average[i] + rest * values[i];
}

/** Exchanges the contents of two arrays of the same length. */
export function exchange(a: Float32Array, b: Float32Array): void {
  for (let i = 0; i < a.length; i++) {
    const value = a[i];
    a[i] = b[i];
    b[i] = value;
  }
}
