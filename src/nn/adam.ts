import { type FlatMath, hostFlatMath } from '../engine/flat-math.js';
import type { GroupSettings } from '../protocol/optimizer.js';
import type { UpdateRule } from './update-rule.js';

/** Adam and AdamW, as torch.optim has them. */
export class AdamRule implements UpdateRule {
  readonly buffers: { readonly mean: Float32Array; readonly square: Float32Array };
  readonly #decoupledDecay: boolean;
  readonly #math: FlatMath;

  constructor(
    length: number,
    { decoupledDecay }: { decoupledDecay: boolean },
    math: FlatMath = hostFlatMath,
  ) {
    this.buffers = { mean: new Float32Array(length), square: new Float32Array(length) };
    this.#decoupledDecay = decoupledDecay;
    this.#math = math;
  }

  update(
    values: Float32Array,
    gradients: Float32Array,
    start: number,
    end: number,
    { lr, weightDecay, betas: [beta1, beta2] = [0.9, 0.999], eps: epsilon = 1e-8 }: GroupSettings,
    step: number,
  ): void {
    const { mean: means, square: squares } = this.buffers;
    this.#math.adam({ values, gradients, means, squares }, start, end, {
      lr,
      weightDecay: weightDecay ?? (this.#decoupledDecay ? 0.01 : 0),
      beta1,
      beta2,
      epsilon,
      decoupledDecay: this.#decoupledDecay,
      step,
    });
  }
}
