import { type FlatMath, hostFlatMath } from '../engine/flat-math.js';
import type { GroupSettings } from '../protocol/optimizer.js';
import type { UpdateRule } from './update-rule.js';

/** Stochastic gradient descent with momentum, as torch.optim.SGD. */
export class SgdRule implements UpdateRule {
  readonly buffers: { readonly momentum: Float32Array };
  readonly #math: FlatMath;

  constructor(length: number, math: FlatMath = hostFlatMath) {
    this.buffers = { momentum: new Float32Array(length) };
    this.#math = math;
  }

  update(
    values: Float32Array,
    gradients: Float32Array,
    start: number,
    end: number,
    { lr, weightDecay = 0, momentum = 0, dampening = 0, nesterov = false }: GroupSettings,
    step: number,
  ): void {
    const buffers = { values, gradients, momenta: this.buffers.momentum };
    this.#math.sgd(buffers, start, end, { lr, weightDecay, momentum, dampening, nesterov, step });
  }
}
