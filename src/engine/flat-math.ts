/** Loops over flat float32 buffers in host memory, shared memory included: an engine may have faster ones. */

export interface SgdStep {
  readonly lr: number;
  readonly weightDecay: number;
  readonly momentum: number;
  readonly dampening: number;
  readonly nesterov: boolean;
  /** 1 at the first step. */
  readonly step: number;
}

export interface AdamStep {
  readonly lr: number;
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** AdamW. */
  readonly decoupledDecay: boolean;
  readonly step: number;
}

export interface FlatMath {
  /**
   * Stochastic gradient descent with momentum, as torch.optim.SGD, on elements [start, end):
   * g ← grad + weightDecay·p;  m ← momentum·m + (1 − dampening)·g, but m ← g at the first step;
   * p ← p − lr·(nesterov ? g + momentum·m : m).
   */
  sgd(
    buffers: { values: Float32Array; gradients: Float32Array; momenta: Float32Array },
    start: number,
    end: number,
    step: SgdStep,
  ): void;
  /**
   * Adam (Kingma and Ba, ICLR 2015) and AdamW (Loshchilov and Hutter, ICLR 2019), as torch.optim has them. Adam
   * adds weightDecay·p to the gradient; AdamW first shrinks p by lr·weightDecay. Then, for both:
   * m ← β₁m + (1 − β₁)g;  v ← β₂v + (1 − β₂)g²;
   * p ← p − lr/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + eps).
   */
  adam(
    buffers: { values: Float32Array; gradients: Float32Array; means: Float32Array; squares: Float32Array },
    start: number,
    end: number,
    step: AdamStep,
  ): void;
  /** target += source */
  accumulate(target: Float32Array, source: Float32Array): void;
  /** target *= factor */
  scale(target: Float32Array, factor: number): void;
  /**
   * Puts the sum of elements [start, end) of all buffers into each of them, added up from buffer `first` on, round
   * the ring. Absent where it would be no faster than the ring itself.
   */
  sum?(buffers: readonly Float32Array[], first: number, start: number, end: number): void;
  /** How many buffers `sum` takes. */
  readonly mostBuffers?: number;
}

/** In plain JavaScript. */
export const hostFlatMath: FlatMath = {
  sgd({ values, gradients, momenta }, start, end, step) {
    const { lr, weightDecay, momentum, dampening, nesterov } = step;
    if (momentum === 0) {
      for (let i = start; i < end; i++) values[i] -= lr * (gradients[i] + weightDecay * values[i]);
      return;
    }
    const share = step.step === 1 ? 1 : 1 - dampening;
    const gradientPart = nesterov ? 1 : 0;
    const momentumPart = nesterov ? momentum : 1;
    for (let i = start; i < end; i++) {
      const gradient = gradients[i] + weightDecay * values[i];
      // Rounded to float32 at each operation, so that momentum kept in the gradients (`scale`, `accumulate`) comes
      // to the same bits.
      const moving = Math.fround(Math.fround(momentum * momenta[i]) + share * gradient);
      momenta[i] = moving;
      values[i] -= lr * (gradientPart * gradient + momentumPart * moving);
    }
  },
  adam({ values, gradients, means, squares }, start, end, step) {
    const { lr, weightDecay, beta1, beta2, epsilon, decoupledDecay } = step;
    const shrink = decoupledDecay ? 1 - lr * weightDecay : 1;
    const coupled = decoupledDecay ? 0 : weightDecay;
    const rate = lr / (1 - beta1 ** step.step);
    const inverseRoot = 1 / Math.sqrt(1 - beta2 ** step.step);
    for (let i = start; i < end; i++) {
      const value = values[i] * shrink;
      const gradient = gradients[i] + coupled * value;
      const first = beta1 * means[i] + (1 - beta1) * gradient;
      const second = beta2 * squares[i] + (1 - beta2) * gradient * gradient;
      means[i] = first;
      squares[i] = second;
      values[i] = value - (rate * first) / (Math.sqrt(second) * inverseRoot + epsilon);
    }
  },
  accumulate(target, source) {
    for (let i = 0; i < target.length; i++) target[i] += source[i];
  },
  scale(target, factor) {
    for (let i = 0; i < target.length; i++) target[i] *= factor;
  },
};
