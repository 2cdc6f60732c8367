/** How parameters lie in a flat buffer: one after the other, in the order given. */
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import type { FlatVariable } from './engine.js';

export interface FlatPart {
  readonly variable: FlatVariable;
  readonly shape: number[];
  /** First element, and number of elements. */
  readonly offset: number;
  readonly size: number;
}

export interface FlatLayout {
  readonly parts: readonly FlatPart[];
  readonly length: number;
}

export function flatLayout(variables: readonly FlatVariable[]): FlatLayout {
  let length = 0;
  const parts = variables.map(variable => {
    const { shape, size } = variable.read();
    const part = { variable, shape: [...shape], offset: length, size };
    length += size;
    return part;
  });
  return { parts, length };
}

/** The variables of layers (`model.trainableWeights`) in the form that `Engine.flatParameters` takes. */
export function flatVariables(
  weights: readonly { readonly name: string; readonly shape: (number | null)[]; read(): Tensor }[],
): FlatVariable[] {
  return weights.map(weight => ({
    name: weight.name,
    shape: weight.shape,
    read: () => weight.read(),
    bind(tensor) {
      // A LayerVariable's value is a tf.Variable; its own write() would also apply the layer's constraint.
      (weight.read() as Variable).assign(tensor);
      tensor.dispose();
    },
  }));
}
