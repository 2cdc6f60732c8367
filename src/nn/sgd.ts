/** Stochastic gradient descent with momentum, as torch.optim.SGD. */
import type { GroupSettings } from '../protocol/optimizer.js';
import type { UpdateRule } from './update-rule.js';

/**
 * g ← grad + weightDecay·p;  m ← momentum·m + (1 − dampening)·g, but m ← g at the first step;
 * p ← p − lr·(nesterov ? g + momentum·m : m).
 */
export class SgdRule implements UpdateRule {
  readonly buffers: { readonly momentum: Float32Array };

  constructor(length: number) {
    this.buffers = { momentum: new Float32Array(length) };
  }

  update(
    values: Float32Array,
    grads: Float32Array,
    start: number,
    end: number,
    { lr, weightDecay = 0, momentum = 0, dampening = 0, nesterov = false }: GroupSettings,
    step: number,
  ): void {
    if (momentum === 0) {
      for (let i = start; i < end; i++) values[i] -= lr * (grads[i] + weightDecay * values[i]);
      return;
    }
    const held = this.buffers.momentum;
    const share = step === 1 ? 1 : 1 - dampening;
    const gradientPart = nesterov ? 1 : 0;
    const momentumPart = nesterov ? momentum : 1;
    for (let i = start; i < end; i++) {
      const gradient = grads[i] + weightDecay * values[i];
      const moving = momentum * held[i] + share * gradient;
      held[i] = moving;
      values[i] -= lr * (gradientPart * gradient + momentumPart * moving);
    }
  }
}
