/** Brings a replica's part of a global batch from shared memory to its device. */
import type { Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import { slotViews } from '../data/batch-slots.js';
import { imageBytes } from '../data/sample-source.js';
import type { Engine } from '../engine/engine.js';
import { ProtocolError, SampleError } from '../errors.js';
import { applyTransforms } from '../nn/augment.js';
import type { Shard, Share } from '../protocol/messages.js';
import type { Recipe } from './recipe.js';

export interface DeviceShard {
  /** float32 [count, height, width, channels], transformed. */
  readonly inputs: Tensor4D;
  /** int32 class indices, [count]. */
  readonly targets: Tensor1D;
  dispose(): void;
}

export class ShardReader {
  readonly #engine: Engine;
  readonly #recipe: Recipe;
  readonly #seed: number;
  /** Labels must be below this, where the loss takes class indices. */
  readonly #classes: number;
  readonly #rings = new Map<number, Extract<Share, { share: 'slots' }>>();
  readonly #unpin = new Map<number, (() => void)[]>();

  constructor(engine: Engine, recipe: Recipe, { seed, classes }: { seed: number; classes: number }) {
    this.#engine = engine;
    this.#recipe = recipe;
    this.#seed = seed;
    this.#classes = classes;
  }

  attach(share: Extract<Share, { share: 'slots' }>): void {
    this.#rings.set(share.ring, share);
    const unpin = share.buffers.map(buffer => this.#engine.pin?.(new Uint8Array(buffer)) ?? (() => {}));
    this.#unpin.set(share.ring, unpin);
  }

  detach(ring: number): void {
    this.#rings.delete(ring);
    for (const unpin of this.#unpin.get(ring) ?? []) unpin();
    this.#unpin.delete(ring);
  }

  /** Lets go of all slots. */
  dispose(): void {
    for (const ring of [...this.#rings.keys()]) this.detach(ring);
  }

  /** @throws SampleError when a label is no class of the model */
  read(shard: Shard): DeviceShard {
    const ring = this.#rings.get(shard.ring);
    if (!ring) throw new ProtocolError(`slots of loader ${shard.ring} were never shared`);
    const { offset, count } = shard;
    const { imageShape } = ring.layout;
    const views = slotViews(ring.buffers[shard.slot], ring.layout);
    const labels = views.labels.slice(offset, offset + count);
    this.#checkLabels(labels, views.indices.subarray(offset, offset + count));
    const { tf } = this.#engine;
    const bytes = imageBytes(imageShape);
    const pixels = views.pixels.subarray(offset * bytes, (offset + count) * bytes);
    const inputs = tf.tidy(() => {
      const raw = this.#engine.upload(pixels, count, imageShape);
      const { epoch, index, size } = shard;
      const key = { seed: this.#seed, epoch, index, offset, size };
      return applyTransforms(tf, raw, shard.transforms, key, this.#recipe.transforms);
    });
    const targets = tf.tensor1d(labels, 'int32');
    return {
      inputs,
      targets,
      dispose: () => {
        inputs.dispose();
        targets.dispose();
      },
    };
  }

  #checkLabels(labels: Int32Array, indices: Uint32Array): void {
    const bad = labels.findIndex(label => label < 0 || label >= this.#classes);
    if (bad < 0) return;
    throw new SampleError(
      `sample ${indices[bad]} has label ${labels[bad]}, but the model tells ${this.#classes} classes apart`,
      { where: `row ${indices[bad]} of the dataset`, hint: 'labels are class indices from 0' },
    );
  }
}
