/**
 * A replica's weights: all trainable parameters in one flat buffer, their gradients in another, and the model's
 * state (moving statistics of batch norm). One all-reduce carries both:
 *
 *   ring buffer   │ gradient of every parameter, P floats │ change of state, S floats │
 *
 * State is reduced as its weighted change since the last exchange. So replicas agree in it bit for bit, a
 * replica without samples adds nothing, and a frozen weight, whose change is 0, never drifts.
 */
import { createHash } from 'node:crypto';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { RingMember } from '../allreduce/ring.js';
import type { Engine, FlatParameters } from '../engine/engine.js';
import { flatVariables } from '../engine/flat-layout.js';
import type { ParameterInfo } from '../protocol/optimizer.js';

type LayerVariable = LayersModel['weights'][number];

const sizeOf = (shape: readonly (number | null)[]): number => shape.reduce<number>((n, d) => n * (d ?? 1), 1);

export class Weights {
  readonly parameters: readonly ParameterInfo[];
  readonly stateSize: number;
  /** Gradients kept since the last `scaleGradients(0)`: P floats. */
  readonly gradients: Float32Array;
  readonly #engine: Engine;
  readonly #flat: FlatParameters;
  readonly #trainable: readonly LayerVariable[];
  readonly #state: readonly LayerVariable[];
  /** State as of the last exchange. */
  readonly #exchanged: Float32Array;
  readonly #constrained: readonly { index: number; constraint: NonNullable<LayerVariable['constraint']> }[];
  #hasGradients = false;
  /** Whether a forward pass changed the state since the last exchange. */
  #stateMoved = false;

  constructor(engine: Engine, model: LayersModel) {
    this.#engine = engine;
    this.#trainable = model.trainableWeights;
    this.#state = model.nonTrainableWeights.filter(weight => weight.dtype === 'float32');
    let offset = 0;
    this.parameters = this.#trainable.map(({ name, shape }) => {
      const size = sizeOf(shape);
      offset += size;
      return { name, shape: shape as number[], offset: offset - size, size };
    });
    this.#constrained = this.#trainable.flatMap(({ constraint }, index) =>
      constraint ? [{ index, constraint }] : [],
    );
    this.#flat = engine.flatParameters(flatVariables(this.#trainable));
    this.stateSize = this.#state.reduce((n, { shape }) => n + sizeOf(shape), 0);
    this.gradients = new Float32Array(this.#flat.length);
    this.#exchanged = new Float32Array(this.stateSize);
    this.#readState(this.#exchanged);
  }

  /** Current tensors of the trainable parameters, in flat order. */
  variables(): Tensor[] {
    return this.#trainable.map(variable => variable.read());
  }

  /** Runs `update` on the flat parameters and lets the model see the result. */
  update(update: (values: Float32Array, gradients: Float32Array) => void): void {
    update(this.#flat.values(), this.gradients);
    this.#flat.changed();
    if (this.#constrained.length > 0) this.#constrain();
  }

  /** Applies the layers' constraints, as stock training does when it writes a weight. */
  #constrain(): void {
    const { tf } = this.#engine;
    for (const { index, constraint } of this.#constrained) {
      const { offset, size } = this.parameters[index];
      const value = tf.tidy(() => constraint.apply(this.#trainable[index].read()));
      this.#engine.readInto(value, this.#flat.values().subarray(offset, offset + size));
      value.dispose();
    }
    this.#flat.changed();
  }

  /** Writes one parameter's gradient to where the ring will reduce it. */
  putGradient(ring: RingMember, index: number, gradient: Tensor | undefined): void {
    const { offset, size } = this.parameters[index];
    const target = ring.local.subarray(offset, offset + size);
    if (gradient) this.#engine.readInto(gradient, target);
    else target.fill(0);
  }

  /**
   * All-reduces gradients and state, then adds the gradients to those kept.
   *
   * @param share this replica's part of the global batch, 0 … 1; with 0 nothing was put
   */
  exchange(ring: RingMember, share: number): void {
    const state = ring.local.subarray(this.#flat.length);
    if (share === 0) ring.local.fill(0);
    else {
      this.#readState(state);
      for (let i = 0; i < state.length; i++) state[i] = (state[i] - this.#exchanged[i]) * share;
    }
    ring.allReduce();
    this.#stateMoved = false;
    for (let i = 0; i < state.length; i++) this.#exchanged[i] += state[i];
    this.#writeState(this.#exchanged);
    this.#keepGradients(ring.local);
  }

  /** A training forward pass is about to move the model's state. */
  stateMoves(): void {
    this.#stateMoved = true;
  }

  /** Takes back what a batch that was cancelled before its exchange did to the state, on this replica alone. */
  dropStateChange(): void {
    if (!this.#stateMoved) return;
    this.#writeState(this.#exchanged);
    this.#stateMoved = false;
  }

  #keepGradients(reduced: Float32Array): void {
    const { gradients } = this;
    const latest = reduced.subarray(0, gradients.length);
    if (this.#hasGradients) this.#engine.flatMath.accumulate(gradients, latest);
    else gradients.set(latest);
    this.#hasGradients = true;
  }

  scaleGradients(factor: number): void {
    this.#hasGradients = factor !== 0;
    if (factor === 0) this.gradients.fill(0);
    else this.#engine.flatMath.scale(this.gradients, factor);
  }

  /** Puts all weights into this replica's ring buffer, for the others to adopt. */
  publish(target: Float32Array): void {
    target.set(this.#flat.values());
    this.#readState(target.subarray(this.#flat.length));
  }

  /** Takes over weights that another replica published. */
  adopt(source: Float32Array): void {
    this.#flat.values().set(source.subarray(0, this.#flat.length));
    this.#flat.changed();
    this.#exchanged.set(source.subarray(this.#flat.length));
    this.#writeState(this.#exchanged);
  }

  /** First 16 hexadecimal digits of the SHA-256 of all weights: equal only if every bit is. */
  checksum(): string {
    const state = new Float32Array(this.stateSize);
    this.#readState(state);
    const hash = createHash('sha256');
    for (const { buffer, byteOffset, byteLength } of [this.#flat.values(), state]) {
      hash.update(new Uint8Array(buffer, byteOffset, byteLength));
    }
    return hash.digest('hex').slice(0, 16);
  }

  dispose(): void {
    this.#flat.dispose();
  }

  #readState(target: Float32Array): void {
    const { bulk } = this.#engine;
    if (bulk) {
      bulk.read(this.#stateTensors(), target);
      return;
    }
    let offset = 0;
    for (const tensor of this.#stateTensors()) {
      this.#engine.readInto(tensor, target.subarray(offset, offset + tensor.size));
      offset += tensor.size;
    }
  }

  #writeState(source: Float32Array): void {
    const { bulk, tf } = this.#engine;
    if (bulk) {
      bulk.write(this.#stateTensors(), source);
      return;
    }
    let offset = 0;
    for (const variable of this.#state) {
      const size = sizeOf(variable.shape);
      const value = tf.tensor(source.slice(offset, offset + size), variable.shape as number[], 'float32');
      variable.write(value);
      value.dispose();
      offset += size;
    }
  }

  #stateTensors(): Tensor[] {
    return this.#state.map(variable => variable.read());
  }
}
