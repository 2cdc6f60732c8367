import type { FlatMath } from '../flat-math.js';
import type { TorchBackend } from './backend.js';

/** Buffers that one call of the addon takes (Call::kMostMemories in native/call.h). */
const mostBuffers = 16;

/** The addon's vectorised loops (native/kernels/optimizer.h). */
export function torchFlatMath(backend: TorchBackend): FlatMath {
  return {
    sgd({ values, gradients, momenta }, start, end, step) {
      const { lr, weightDecay, momentum, dampening, nesterov } = step;
      const attributes = [start, end, lr, weightDecay, momentum, dampening, nesterov, step.step];
      backend.runOn('flatSgd', [values, gradients, momenta], [], ...attributes);
    },
    adam({ values, gradients, means, squares }, start, end, step) {
      const { lr, weightDecay, beta1, beta2, epsilon, decoupledDecay } = step;
      const attributes = [start, end, lr, weightDecay, beta1, beta2, epsilon, decoupledDecay, step.step];
      backend.runOn('flatAdam', [values, gradients, means, squares], [], ...attributes);
    },
    accumulate: (target, source) => backend.runOn('flatAccumulate', [target, source], []),
    scale: (target, factor) => backend.runOn('flatScale', [target], [], factor),
    sum(buffers, first, start, end) {
      backend.runOn('flatSum', buffers, [], buffers.length, first, start, end);
    },
    mostBuffers,
  };
}
