import type { GroupSettings } from '../protocol/optimizer.js';
import type { UpdateRule } from './update-rule.js';

/**
 * RMSProp (Hinton, Neural Networks for Machine Learning, lecture 6e, 2012) as torch.optim.RMSprop has it:
 * g ← grad + weightDecay·p;  s ← α·s + (1 − α)·g²;
 * centered (Graves, "Generating sequences with recurrent neural networks", 2013): a ← α·a + (1 − α)·g, and the
 * mean of squares becomes the variance s − a²;
 * u ← g/(√s + eps);  with momentum m ← momentum·m + u and u ← m;  p ← p − lr·u.
 */
export class RmspropRule implements UpdateRule {
  readonly buffers: {
    readonly square: Float32Array;
    /** Of the gradient; used when `centered`. */
    readonly mean: Float32Array;
    readonly momentum: Float32Array;
  };

  constructor(length: number) {
    this.buffers = {
      square: new Float32Array(length),
      mean: new Float32Array(length),
      momentum: new Float32Array(length),
    };
  }

  update(
    values: Float32Array,
    gradients: Float32Array,
    start: number,
    end: number,
    { lr, weightDecay = 0, alpha = 0.99, eps = 1e-8, momentum = 0, centered = false }: GroupSettings,
  ): void {
    const { square, mean, momentum: momenta } = this.buffers;
    for (let i = start; i < end; i++) {
      const gradient = gradients[i] + weightDecay * values[i];
      let variance = alpha * square[i] + (1 - alpha) * gradient * gradient;
      square[i] = variance;
      if (centered) {
        mean[i] = alpha * mean[i] + (1 - alpha) * gradient;
        // Rounding may take a mean of squares below the square of the mean, where PyTorch's root would be NaN.
        variance = Math.max(0, variance - mean[i] * mean[i]);
      }
      let update = gradient / (Math.sqrt(variance) + eps);
      if (momentum > 0) {
        update += momentum * momenta[i];
        momenta[i] = update;
      }
      values[i] -= lr * update;
    }
  }
}
