/** A loss as data. */

export interface CrossEntropySpec {
  readonly name: 'crossEntropy';
  /** Share of each target that is spread over all classes, 0 … 1 (PyTorch's `label_smoothing`). Default 0. */
  readonly labelSmoothing?: number;
}

/** `mse` compares the output with the input images. */
export type LossSpec = 'crossEntropy' | 'mse' | CrossEntropySpec | { readonly name: 'mse' };
