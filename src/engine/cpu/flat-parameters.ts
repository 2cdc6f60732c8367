/** Flat parameters on the cpu backend: it keeps the array it is given, so each variable is a view. */
import type { FlatParameters, FlatVariable } from '../engine.js';
import { flatLayout } from '../flat-layout.js';
import { tf } from '../tf.js';

export function cpuFlatParameters(variables: readonly FlatVariable[]): FlatParameters {
  const { parts, length } = flatLayout(variables);
  let values = new Float32Array(length);
  for (const { variable, shape, offset, size } of parts) {
    const view = values.subarray(offset, offset + size);
    view.set(variable.read().dataSync<'float32'>());
    variable.bind(tf.tensor(view, shape, 'float32'));
  }
  return {
    length,
    values: () => values,
    // The kernels read the array itself and cache nothing.
    changed() {},
    dispose() {
      values = new Float32Array(0);
    },
  };
}
