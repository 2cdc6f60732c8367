/**
 * A batch as the coordinator and the replicas see it: the number of a slot in shared memory, never the
 * pixels themselves. What is on the slot is drawn in `data/fill/batch-slots.ts`.
 */

/** Height, width, channels. */
export type ImageShape = readonly [height: number, width: number, channels: number];

export interface SlotLayout {
  /** Most samples a slot can hold. */
  readonly capacity: number;
  readonly imageShape: ImageShape;
}

/** The shared memory of one loader: `buffers[slot]`, all laid out alike. */
export interface SlotRing {
  readonly layout: SlotLayout;
  readonly buffers: readonly SharedArrayBuffer[];
}

/** One transform as data: its name in `nn/augment.ts` or in the recipe, and its JSON options. */
export interface TransformSpec {
  readonly name: string;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** A batch mixed with itself in another order: two targets a sample, weighted. */
export interface MixSpec {
  /** `mixup` blends the images, `cutmix` puts a rectangle of one into the other. */
  readonly kind: 'mixup' | 'cutmix';
  /** Of the Beta(alpha, alpha) distribution that the share is drawn from. */
  readonly alpha: number;
}

/** One global batch. Its views are valid until the loader's next batch is asked for. */
export interface Batch {
  readonly ring: SlotRing;
  readonly slot: number;
  /** Samples in it, all replicas together. */
  readonly size: number;
  /** The loader's epoch and the batch's place in it, both from 0: the keys of every random draw on it. */
  readonly epoch: number;
  readonly index: number;
  /** uint8, [size, height, width, channels]. */
  readonly pixels: Uint8Array;
  /** int32 class indices, [size]. */
  readonly labels: Int32Array;
  /** Rows of the dataset, [size]. */
  readonly indices: Uint32Array;
  /** What the replicas do to their shard before the model sees it, in order. */
  readonly transforms: readonly TransformSpec[];
  /** Mixed after the transforms. */
  readonly mix?: MixSpec;
}
