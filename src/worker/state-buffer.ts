/**
 * Training state in shared memory, on its way from or to replicas:
 *
 *   │ parameters, P │ buffers, S │ gradients, P │ average, P + S │ moment 1, P │ moment 2, P │ …   float32
 *
 * P and S are the model's. Gradients and average are there where the `StateDescription` says so, moments in the order
 * of its names.
 */
import type { StateDescription } from '../protocol/messages.js';

/** Number of floats of all parameters and of all buffers of a model. */
export interface StateSizes {
  readonly parameters: number;
  readonly buffers: number;
}

export interface StateViews {
  readonly parameters: Float32Array;
  readonly buffers: Float32Array;
  readonly gradients?: Float32Array;
  readonly average?: { readonly parameters: Float32Array; readonly buffers: Float32Array };
  /** In the order of the description. */
  readonly moments: readonly Float32Array[];
}

/** Number of floats of a state. */
export function stateLength(description: StateDescription, { parameters, buffers }: StateSizes): number {
  const { gradients, average, optimizer } = description;
  const moments = optimizer?.buffers.length ?? 0;
  const weights = parameters + buffers;
  return weights + (gradients ? parameters : 0) + (average ? weights : 0) + moments * parameters;
}

/** The parts of a state, as views of the memory it lies in. */
export function stateViews(
  memory: SharedArrayBuffer,
  description: StateDescription,
  sizes: StateSizes,
): StateViews {
  let offset = 0;
  const take = (length: number): Float32Array => {
    const view = new Float32Array(memory, offset * Float32Array.BYTES_PER_ELEMENT, length);
    offset += length;
    return view;
  };
  const takeWeights = () => ({ parameters: take(sizes.parameters), buffers: take(sizes.buffers) });
  return {
    ...takeWeights(),
    gradients: description.gradients ? take(sizes.parameters) : undefined,
    average: description.average ? takeWeights() : undefined,
    moments: (description.optimizer?.buffers ?? []).map(() => take(sizes.parameters)),
  };
}
