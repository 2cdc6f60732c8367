/** Adam (Kingma and Ba, ICLR 2015) and AdamW (Loshchilov and Hutter, ICLR 2019), as torch.optim has them. */
import type { GroupSettings } from '../protocol/optimizer.js';
import type { UpdateRule } from './update-rule.js';

/**
 * Adam adds weightDecay·p to the gradient; AdamW first shrinks p by lr·weightDecay. Then, for both:
 * m ← β₁m + (1 − β₁)g;  v ← β₂v + (1 − β₂)g²;
 * p ← p − lr/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + eps).
 */
export class AdamRule implements UpdateRule {
  readonly buffers: { readonly mean: Float32Array; readonly square: Float32Array };
  readonly #decoupledDecay: boolean;

  constructor(length: number, { decoupledDecay }: { decoupledDecay: boolean }) {
    this.buffers = { mean: new Float32Array(length), square: new Float32Array(length) };
    this.#decoupledDecay = decoupledDecay;
  }

  update(
    values: Float32Array,
    grads: Float32Array,
    start: number,
    end: number,
    { lr, weightDecay, betas: [beta1, beta2] = [0.9, 0.999], eps = 1e-8 }: GroupSettings,
    step: number,
  ): void {
    const { mean, square } = this.buffers;
    const decay = weightDecay ?? (this.#decoupledDecay ? 0.01 : 0);
    const shrink = this.#decoupledDecay ? 1 - lr * decay : 1;
    const coupled = this.#decoupledDecay ? 0 : decay;
    const rate = lr / (1 - beta1 ** step);
    const inverseRoot = 1 / Math.sqrt(1 - beta2 ** step);
    for (let i = start; i < end; i++) {
      const value = values[i] * shrink;
      const gradient = grads[i] + coupled * value;
      const first = beta1 * mean[i] + (1 - beta1) * gradient;
      const second = beta2 * square[i] + (1 - beta2) * gradient * gradient;
      mean[i] = first;
      square[i] = second;
      values[i] = value - (rate * first) / (Math.sqrt(second) * inverseRoot + eps);
    }
  }
}
