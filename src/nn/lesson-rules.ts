/**
 * The optimizers that the lessons write from scratch (fast.ai's course, notebook 12), where they differ from
 * PyTorch's: weight decay is p ← p·(1 − lr·weightDecay) before the step, momentum is damped, RMSProp starts from
 * the first gradient, and Adam has its eps inside the root.
 */
import type { GroupSettings } from '../protocol/optimizer.js';
import type { OptimizerBuffers, UpdateRule } from './update-rule.js';

/** p ← p·(1 − lr·weightDecay);  p ← p − lr·g. */
export class LessonSgdRule implements UpdateRule {
  readonly buffers: OptimizerBuffers = {};

  update(
    values: Float32Array,
    gradients: Float32Array,
    start: number,
    end: number,
    { lr, weightDecay = 0 }: GroupSettings,
  ): void {
    const shrink = 1 - lr * weightDecay;
    for (let i = start; i < end; i++) values[i] = shrink * values[i] - lr * gradients[i];
  }
}

/** a ← momentum·a + (1 − momentum)·g;  p ← p − lr·a: an average of gradients, unlike PyTorch's sum. */
export class LessonMomentumRule implements UpdateRule {
  readonly buffers: { readonly average: Float32Array };

  constructor(length: number) {
    this.buffers = { average: new Float32Array(length) };
  }

  update(
    values: Float32Array,
    gradients: Float32Array,
    start: number,
    end: number,
    { lr, weightDecay = 0, momentum = 0.9 }: GroupSettings,
  ): void {
    const { average: averages } = this.buffers;
    const shrink = 1 - lr * weightDecay;
    for (let i = start; i < end; i++) {
      const average = momentum * averages[i] + (1 - momentum) * gradients[i];
      averages[i] = average;
      values[i] = shrink * values[i] - lr * average;
    }
  }
}

/** s ← g² at the first step; then, at every step, s ← α·s + (1 − α)·g²;  p ← p − lr·g/(√s + eps). */
export class LessonRmspropRule implements UpdateRule {
  readonly buffers: { readonly square: Float32Array };

  constructor(length: number) {
    this.buffers = { square: new Float32Array(length) };
  }

  update(
    values: Float32Array,
    gradients: Float32Array,
    start: number,
    end: number,
    { lr, weightDecay = 0, alpha = 0.99, eps = 1e-5 }: GroupSettings,
    step: number,
  ): void {
    const { square: squares } = this.buffers;
    const shrink = 1 - lr * weightDecay;
    for (let i = start; i < end; i++) {
      const squared = gradients[i] * gradients[i];
      const square = step === 1 ? squared : alpha * squares[i] + (1 - alpha) * squared;
      squares[i] = square;
      values[i] = shrink * values[i] - (lr * gradients[i]) / (Math.sqrt(square) + eps);
    }
  }
}

/** a and s as in Adam, both corrected for their start at 0;  p ← p − lr·â/√(ŝ + eps). */
export class LessonAdamRule implements UpdateRule {
  readonly buffers: { readonly mean: Float32Array; readonly square: Float32Array };

  constructor(length: number) {
    this.buffers = { mean: new Float32Array(length), square: new Float32Array(length) };
  }

  update(
    values: Float32Array,
    gradients: Float32Array,
    start: number,
    end: number,
    { lr, weightDecay = 0, betas: [beta1, beta2] = [0.9, 0.99], eps = 1e-5 }: GroupSettings,
    step: number,
  ): void {
    const { mean: means, square: squares } = this.buffers;
    const shrink = 1 - lr * weightDecay;
    const meanCorrection = 1 - beta1 ** step;
    const squareCorrection = 1 - beta2 ** step;
    for (let i = start; i < end; i++) {
      const gradient = gradients[i];
      const mean = beta1 * means[i] + (1 - beta1) * gradient;
      const square = beta2 * squares[i] + (1 - beta2) * gradient * gradient;
      means[i] = mean;
      squares[i] = square;
      values[i] =
        shrink * values[i] - (lr * mean) / meanCorrection / Math.sqrt(square / squareCorrection + eps);
    }
  }
}
