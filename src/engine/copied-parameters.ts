/** Flat parameters for backends that cannot make views: a host buffer, copied into each variable when changed. */
import type { FlatParameters, FlatVariable } from './engine.js';
import { flatLayout } from './flat-layout.js';
import { tf } from './tf.js';

export function copiedParameters(variables: readonly FlatVariable[]): FlatParameters {
  const { parts, length } = flatLayout(variables);
  let values = new Float32Array(length);
  for (const { variable, offset } of parts) values.set(variable.read().dataSync<'float32'>(), offset);
  return {
    length,
    values: () => values,
    changed() {
      for (const { variable, shape, offset, size } of parts) {
        // A backend may keep the array it is given, so it is given one of its own.
        variable.bind(tf.tensor(values.slice(offset, offset + size), shape, 'float32'));
      }
    },
    dispose() {
      values = new Float32Array(0);
    },
  };
}
