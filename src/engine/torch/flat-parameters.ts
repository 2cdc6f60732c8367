/**
 * Flat parameters on the torch backend: one native tensor, each variable a view of its part. On a processor the
 * tensor is made over memory of JavaScript's own, so that `values()` is the buffer itself; on a GPU `values()` is
 * a copy in host memory, which `changed()` sends to the device.
 */
import type { FlatParameters, FlatVariable } from '../engine.js';
import { flatLayout } from '../flat-layout.js';
import { tf } from '../tf.js';
import type { TorchBackend } from './backend.js';

export function torchFlatParameters(
  backend: TorchBackend,
  variables: readonly FlatVariable[],
  onProcessor: boolean,
): FlatParameters {
  const { parts, length } = flatLayout(variables);
  const host = new Float32Array(length);
  for (const { variable, offset, size } of parts) {
    backend.readInto(variable.read(), host.subarray(offset, offset + size));
  }
  const flat = onProcessor ? backend.wrap(host) : backend.upload(host, [length], 'float32');
  for (const { variable, shape, offset } of parts) {
    const view = backend.run('viewPart', [flat], offset, shape);
    variable.bind(tf.engine().makeTensorFromTensorInfo(view));
  }
  return {
    length,
    values: () => host,
    changed() {
      if (!onProcessor) backend.runOn('write', [host], [flat]);
    },
    dispose: () => backend.disposeIntermediateTensorInfo(flat),
  };
}
