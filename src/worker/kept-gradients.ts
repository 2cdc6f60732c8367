import type { FlatMath } from '../engine/flat-math.js';
import type { ClipOptions } from '../protocol/step-runner.js';

/** Added to the norm before dividing by it, as in PyTorch's `clip_grad_norm_`. */
const normEpsilon = 1e-6;

/**
 * The gradients of all parameters as one flat float32 buffer, kept until they are cleared. After an all-reduce every
 * replica holds the same bits, and so does the same arithmetic with them.
 */
export class KeptGradients {
  /** Without the pending ones: `settle` adds those. */
  readonly values: Float32Array;
  readonly #math: FlatMath;
  #any = false;
  /** Of the batch in progress, where the ring left them. */
  #pending?: Float32Array;

  constructor(length: number, math: FlatMath) {
    this.values = new Float32Array(length);
    this.#math = math;
  }

  /** Whether there are any since they were last cleared. */
  get any(): boolean {
    return this.#any || this.#pending !== undefined;
  }

  /**
   * Adds `weight` · `latest` when next settled. Until then they can be taken back, and `latest` must stay as it is; it
   * may be overwritten on the way.
   */
  add(latest: Float32Array, weight: number): void {
    this.settle();
    if (weight !== 1) this.#math.scale(latest, weight);
    this.#pending = latest;
  }

  /** Makes what was added last part of the values. */
  settle(): void {
    const pending = this.#pending;
    if (!pending) return;
    this.#pending = undefined;
    if (this.#any) this.#math.accumulate(this.values, pending);
    else this.values.set(pending);
    this.#any = true;
  }

  /** Takes back what was added last, if it is not settled. */
  rollback(): void {
    this.#pending = undefined;
  }

  /** Copies the values, with what is pending, and leaves all as it is. */
  read(target: Float32Array): void {
    const pending = this.#pending;
    if (!pending) target.set(this.values);
    else if (!this.#any) target.set(pending);
    else {
      target.set(this.values);
      this.#math.accumulate(target, pending);
    }
  }

  /** Puts `values` in their place. */
  set(values: Float32Array): void {
    this.#pending = undefined;
    this.values.set(values);
    this.#any = true;
  }

  scale(factor: number): void {
    this.settle();
    this.#any = this.#any && factor !== 0;
    if (factor === 0) this.values.fill(0);
    else this.#math.scale(this.values, factor);
  }

  /**
   * Scales all gradients so that their L2 norm is at most `norm`, then cuts each off at ±`value`.
   *
   * @returns their norm before, summed in float64
   */
  clip({ norm: most, value }: ClipOptions): number {
    this.settle();
    const { values } = this;
    let squares = 0;
    for (let i = 0; i < values.length; i++) squares += values[i] * values[i];
    const norm = Math.sqrt(squares);
    // Not `norm > most`: a norm that is NaN has to reach the weights, where it is noticed.
    const factor = most === undefined ? 1 : most / (norm + normEpsilon);
    if (!(factor >= 1)) this.#math.scale(values, factor);
    if (value !== undefined && value !== null) {
      for (let i = 0; i < values.length; i++) values[i] = Math.max(-value, Math.min(value, values[i]));
    }
    return norm;
  }
}
