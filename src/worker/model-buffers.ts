import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Engine } from '../engine/engine.js';
import type { ParameterInfo } from '../protocol/optimizer.js';
import { parameterInfos } from './parameter-infos.js';

/**
 * A model's float32 weights that no gradient moves (moving statistics of batch norm, frozen weights), as one flat array
 * in the order of the model.
 */
export class ModelBuffers {
  readonly infos: readonly ParameterInfo[];
  readonly size: number;
  /** Values that all replicas hold, bit for bit: those of the last exchange. */
  readonly agreed: Float32Array;
  readonly #engine: Engine;
  readonly #variables: LayersModel['weights'];
  /** Whether a forward pass changed them on this replica since. */
  #moved = false;
  /** What was agreed before the last exchange, as long as that may be taken back. */
  readonly #before: Float32Array;
  #exchanged = false;

  constructor(engine: Engine, model: LayersModel) {
    this.#engine = engine;
    this.#variables = model.nonTrainableWeights.filter(weight => weight.dtype === 'float32');
    this.infos = parameterInfos(this.#variables);
    this.size = this.infos.reduce((n, { size }) => n + size, 0);
    this.agreed = new Float32Array(this.size);
    this.#before = new Float32Array(this.size);
    this.read(this.agreed);
  }

  /** Says that a training forward pass is about to change them. */
  moves(): void {
    this.#moved = true;
  }

  /** Takes back what forward passes did to them on this replica alone; the last exchange is final. */
  settle(): void {
    this.#exchanged = false;
    if (this.#moved) this.set(this.agreed);
  }

  /** As `settle`, and takes back the last exchange, if that is not final. */
  rollback(): void {
    if (this.#exchanged) this.set(this.#before);
    this.settle();
  }

  /** Writes `share` times their change since the last exchange to `target`. */
  putChange(target: Float32Array, share: number): void {
    this.read(target);
    for (let i = 0; i < target.length; i++) target[i] = (target[i] - this.agreed[i]) * share;
  }

  /** Takes over the change that all replicas together came to. */
  addChange(change: Float32Array): void {
    this.#before.set(this.agreed);
    this.#exchanged = true;
    for (let i = 0; i < change.length; i++) this.agreed[i] += change[i];
    this.set(this.agreed);
  }

  /** Present values, such as a forward pass may have left them. */
  read(target: Float32Array): void {
    const { bulk } = this.#engine;
    if (bulk) {
      bulk.read(this.#tensors(), target);
      return;
    }
    let offset = 0;
    for (const tensor of this.#tensors()) {
      this.#engine.readInto(tensor, target.subarray(offset, offset + tensor.size));
      offset += tensor.size;
    }
  }

  /** Puts values in their place, on which all replicas agree. */
  set(values: Float32Array): void {
    this.#moved = false;
    if (values !== this.agreed) this.agreed.set(values);
    const { bulk, tf } = this.#engine;
    if (bulk) {
      bulk.write(this.#tensors(), this.agreed);
      return;
    }
    this.infos.forEach(({ shape, offset, size }, index) => {
      const value = tf.tensor(this.agreed.slice(offset, offset + size), [...shape], 'float32');
      this.#variables[index].write(value);
      value.dispose();
    });
  }

  #tensors(): Tensor[] {
    return this.#variables.map(variable => variable.read());
  }
}
