/** Brings a replica's part of a global batch from shared memory to its device. */
import type { Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import { type SlotViews, slotViews } from '../data/fill/batch-slots.js';
import { imageBytes } from '../data/samples/sample-source.js';
import type { Engine } from '../engine/engine.js';
import { ProtocolError, SampleError } from '../errors.js';
import { applyTransforms } from '../nn/augment.js';
import { finalScale, type ImageScale } from '../nn/image-scale.js';
import { drawMix, mixImages } from '../nn/mix.js';
import type { SlotLayout } from '../protocol/batch.js';
import type { Shard, Share } from '../protocol/messages.js';
import type { Recipe } from './recipe.js';

export interface DeviceShard {
  /** float32 [count, height, width, channels], transformed. */
  readonly inputs: Tensor4D;
  /** int32 class indices, [count]. */
  readonly targets: Tensor1D;
  /** What the values of the inputs mean. */
  readonly scale: ImageScale;
  /** Of a mixed batch: the partners' targets, and the share of the loss for the images' own. */
  readonly mixed?: { readonly targets: Tensor1D; readonly share: number };
  dispose(): void;
}

export interface ReaderSettings {
  /** Of the replica: what transforms draw per replica depends on its rank. Default: rank 0. */
  readonly place?: { readonly rank: number };
  readonly seed: number;
  readonly classes: number;
}

export class ShardReader {
  readonly #engine: Engine;
  readonly #recipe: Recipe;
  readonly #place: { readonly rank: number };
  readonly #seed: number;
  /** Labels must be below this, where the loss takes class indices. */
  readonly #classes: number;
  readonly #rings = new Map<number, Extract<Share, { share: 'slots' }>>();
  readonly #unpin = new Map<number, (() => void)[]>();

  constructor(engine: Engine, recipe: Recipe, { place = { rank: 0 }, seed, classes }: ReaderSettings) {
    this.#place = place;
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

  /**
   * @param training mixes the batch where it asks for that
   * @throws SampleError when a label is no class of the model
   */
  read(shard: Shard, training: boolean): DeviceShard {
    const ring = this.#rings.get(shard.ring);
    if (!ring) throw new ProtocolError(`slots of loader ${shard.ring} were never shared`);
    const { offset, count, size } = shard;
    const views = slotViews(ring.buffers[shard.slot], ring.layout);
    const { tf } = this.#engine;
    const own = Uint32Array.from({ length: count }, (_, image) => offset + image);
    const targets = tf.tensor1d(this.#labels(views, own), 'int32');
    const scale = Object.hasOwn(this.#recipe.transforms ?? {}, 'normalize')
      ? {}
      : finalScale(shard.transforms);
    if (!training || !shard.mix) {
      const inputs = this.#images(views, own, ring.layout, shard);
      return { inputs, targets, scale, dispose: () => tf.dispose([inputs, targets]) };
    }
    const key = { seed: this.#seed, epoch: shard.epoch, index: shard.index };
    const draw = drawMix(shard.mix, key, size, ring.layout.imageShape);
    const partners = draw.partners.slice(offset, offset + count);
    const others = tf.tensor1d(this.#labels(views, partners), 'int32');
    const inputs = tf.tidy(() => {
      const [images, theirs] = [own, partners].map(places => this.#images(views, places, ring.layout, shard));
      return mixImages(tf, images, theirs, draw);
    });
    const mixed = { targets: others, share: draw.share };
    return { inputs, targets, mixed, scale, dispose: () => tf.dispose([inputs, targets, others]) };
  }

  /** The images at these places of the batch, transformed as on every replica, draws per replica apart. */
  #images(views: SlotViews, places: Uint32Array, { imageShape }: SlotLayout, shard: Shard): Tensor4D {
    const bytes = imageBytes(imageShape);
    const { epoch, index, size, transforms } = shard;
    const placeOf = (image: number) => places[image];
    const key = { seed: this.#seed, epoch, index, size, placeOf, replica: this.#place.rank };
    return this.#engine.tf.tidy(() => {
      const raw = this.#engine.upload(pixelsAt(views.pixels, places, bytes), places.length, imageShape);
      return applyTransforms(this.#engine.tf, raw, transforms, key, this.#recipe.transforms);
    });
  }

  #labels({ labels, indices }: SlotViews, places: Uint32Array): Int32Array {
    const picked = Int32Array.from(places, place => labels[place]);
    const bad = picked.findIndex(label => label < 0 || label >= this.#classes);
    if (bad < 0) return picked;
    const row = indices[places[bad]];
    throw new SampleError(
      `sample ${row} has label ${picked[bad]}, but the model tells ${this.#classes} classes apart`,
      { where: `row ${row} of the dataset`, hint: 'labels are class indices from 0' },
    );
  }
}

/** Where they lie, if the places follow each other; else a copy. */
function pixelsAt(pixels: Uint8Array, places: Uint32Array, bytes: number): Uint8Array {
  const [first] = places;
  if (places.every((place, i) => place === first + i))
    return pixels.subarray(first * bytes, (first + places.length) * bytes);
  const copy = new Uint8Array(places.length * bytes);
  places.forEach((place, i) => {
    copy.set(pixels.subarray(place * bytes, (place + 1) * bytes), i * bytes);
  });
  return copy;
}
