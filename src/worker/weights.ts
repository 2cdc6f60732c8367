/**
 * A replica's weights: all trainable parameters in one flat buffer, their gradients in another, and the model's
 * buffers (moving statistics of batch norm). One all-reduce carries both:
 *
 *   ring buffer   │ gradient of every parameter, P floats │ change of buffers, S floats │
 *
 * Buffers are reduced as their weighted change since the last exchange. So replicas agree in them bit for bit, a
 * replica without samples adds nothing, and a frozen weight, whose change is 0, never drifts.
 */
import { createHash } from 'node:crypto';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { RingMember } from '../allreduce/ring.js';
import type { Engine, FlatParameters } from '../engine/engine.js';
import { flatVariables } from '../engine/flat-layout.js';
import { ProtocolError } from '../errors.js';
import type { ParameterInfo } from '../protocol/optimizer.js';
import { AverageWeights, exchange } from './average-weights.js';
import { KeptGradients } from './kept-gradients.js';
import { ModelBuffers } from './model-buffers.js';
import { parameterInfos } from './parameter-infos.js';
import type { StateSizes } from './state-buffer.js';

type LayerVariable = LayersModel['weights'][number];

export class Weights {
  readonly parameters: readonly ParameterInfo[];
  readonly buffers: ModelBuffers;
  readonly gradients: KeptGradients;
  /** Running average, where one is kept. */
  average?: AverageWeights;
  readonly #engine: Engine;
  readonly #flat: FlatParameters;
  readonly #trainable: readonly LayerVariable[];
  readonly #constrained: readonly { index: number; constraint: NonNullable<LayerVariable['constraint']> }[];

  constructor(engine: Engine, model: LayersModel) {
    this.#engine = engine;
    this.#trainable = model.trainableWeights;
    this.parameters = parameterInfos(model.trainableWeights);
    this.#constrained = this.#trainable.flatMap(({ constraint }, index) =>
      constraint ? [{ index, constraint }] : [],
    );
    this.#flat = engine.flatParameters(flatVariables(this.#trainable));
    this.gradients = new KeptGradients(this.#flat.length, engine.flatMath);
    this.buffers = new ModelBuffers(engine, model);
  }

  get sizes(): StateSizes {
    return { parameters: this.#flat.length, buffers: this.buffers.size };
  }

  /** Current tensors of the trainable parameters, in flat order. */
  variables(): Tensor[] {
    return this.#trainable.map(variable => variable.read());
  }

  /** Makes final what the batch in progress has come to in all replicas together, and takes back the rest of it. */
  settle(): void {
    this.buffers.settle();
    this.gradients.settle();
  }

  /** Takes back all that the batch in progress has changed. */
  rollback(): void {
    this.buffers.rollback();
    this.gradients.rollback();
  }

  /** Runs `update` on the flat parameters and lets the model see the result. */
  update(update: (values: Float32Array, gradients: Float32Array) => void): void {
    update(this.#flat.values(), this.gradients.values);
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
   * All-reduces gradients and buffers, then adds the gradients to those kept. To be settled before the ring's memory
   * is written again.
   *
   * @param share this replica's part of the global batch, 0 … 1; with 0 nothing was put
   * @param weight of the gradients in the sum; buffers take their whole change
   */
  exchange(ring: RingMember, share: number, weight: number): void {
    const change = ring.local.subarray(this.#flat.length);
    if (share === 0) ring.local.fill(0);
    else this.buffers.putChange(change, share);
    ring.allReduce();
    this.buffers.addChange(change);
    this.gradients.add(ring.local.subarray(0, this.#flat.length), weight);
  }

  /** Copies parameters and buffers, these as all replicas have them, to memory of their sizes. */
  read(parameters: Float32Array, buffers: Float32Array): void {
    parameters.set(this.#flat.values());
    buffers.set(this.buffers.agreed);
  }

  /** Takes over weights, the same on all replicas. */
  write(parameters: Float32Array, buffers: Float32Array): void {
    this.#flat.values().set(parameters);
    this.#flat.changed();
    this.buffers.set(buffers);
  }

  /** Moves the running average towards the present weights; the first call makes it a copy of them. */
  moveAverage(decay: number): void {
    const values = this.#flat.values();
    const { agreed } = this.buffers;
    if (this.average) this.average.move(values, agreed, decay);
    else this.average = new AverageWeights(values, agreed);
  }

  /** Exchanges the weights and their running average. */
  swapAverage(): void {
    if (!this.average) throw new ProtocolError('there is no running average to swap');
    const { parameters, buffers } = this.average;
    exchange(this.#flat.values(), parameters);
    this.#flat.changed();
    exchange(this.buffers.agreed, buffers);
    this.buffers.set(this.buffers.agreed);
  }

  /** Puts all weights into this replica's ring buffer, for the others to adopt. */
  publish(target: Float32Array): void {
    this.read(target.subarray(0, this.#flat.length), target.subarray(this.#flat.length));
  }

  /** Takes over weights that another replica published. */
  adopt(source: Float32Array): void {
    this.write(source.subarray(0, this.#flat.length), source.subarray(this.#flat.length));
  }

  /** First 16 hexadecimal digits of the SHA-256 of all weights: equal only if every bit is. */
  checksum(): string {
    const buffers = new Float32Array(this.buffers.size);
    this.buffers.read(buffers);
    const hash = createHash('sha256');
    for (const { buffer, byteOffset, byteLength } of [this.#flat.values(), buffers]) {
      hash.update(new Uint8Array(buffer, byteOffset, byteLength));
    }
    return hash.digest('hex').slice(0, 16);
  }

  dispose(): void {
    this.#flat.dispose();
  }
}
