/**
 * Transforms of a batch on the device. Each batch has one stream of draws, keyed by seed, epoch and batch, from
 * which its transforms draw in order: every replica draws the same, and a resumed run draws what it would have.
 * Each replica has a stream of its own besides, for transforms that ask for it (`perReplica`).
 * Each image has a stream too, keyed by its place in the global batch besides: whichever replica has it, and however
 * many there are, it is drawn alike.
 */
import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Tf } from '../engine/tf.js';
import { RecipeError } from '../errors.js';
import type { TransformSpec } from '../protocol/batch.js';
import { Purpose, Random } from '../random.js';
import { rotateImages, warpImages, zoomImages } from './affine.js';
import { flipImages } from './horizontal-flip.js';
import { type ImageScale, scalesOf } from './image-scale.js';
import { changeBrightness, changeContrast } from './lighting.js';
import { normalizeImages } from './normalize.js';
import { copyPatches } from './rand-copy.js';
import { erasePatches } from './rand-erase.js';
import { cropImages } from './random-crop.js';
import type {
  AffineOptions,
  DrawOptions,
  HorizontalFlipOptions,
  LightingOptions,
  NormalizeOptions,
  PatchOptions,
  RandEraseOptions,
  RandomCropOptions,
  RotateOptions,
  ZoomOptions,
} from './transform-specs.js';

/** Which batch it is: epoch and index as in `Batch`. */
export interface AugmentationKey {
  readonly seed: number;
  readonly epoch: number;
  readonly index: number;
  /** Images of the global batch. Default: as many as there are. */
  readonly size?: number;
  /** Place of an image in the global batch, by its number here. Default: the same. */
  readonly placeOf?: (image: number) => number;
  /** Rank of the replica whose images they are. Default 0. */
  readonly replica?: number;
}

/** What a transform can know of its images besides the images. */
export interface TransformBatch {
  /** Images of the global batch, on all replicas together. */
  readonly size: number;
  /** What the values of the pixels mean by now. */
  readonly scale: ImageScale;
  /** Place of an image in the global batch, by its number here: both from 0. */
  placeOf(image: number): number;
  /** The stream of one of the images, by its number here: the same whatever the number of replicas. */
  itemRandom(image: number): Random;
}

/**
 * A transform of one's own: images [count, height, width, channels], float32, 0 … 255 before `normalize`. It may
 * return its argument; intermediate tensors are freed. Draws from `random` are the same on all replicas, but with
 * `perReplica: true` among the options: make as many whatever the images are.
 */
export type Transform = (
  tf: Tf,
  images: Tensor4D,
  options: Readonly<Record<string, unknown>>,
  random: Random,
  batch: TransformBatch,
) => Tensor4D;

const builtIn: Readonly<Record<string, Transform>> = {
  normalize: (tf, x, options) => normalizeImages(tf, x, options as unknown as NormalizeOptions),
  randomCrop: (tf, x, options, random, batch) =>
    cropImages(tf, x, options as unknown as RandomCropOptions, random, batch),
  horizontalFlip: (tf, x, options, random, batch) =>
    flipImages(tf, x, options as HorizontalFlipOptions, random, batch),
  randErase: (tf, x, options, random, batch) =>
    erasePatches(tf, x, options as RandEraseOptions, random, batch),
  randCopy: (tf, x, options, random, batch) => copyPatches(tf, x, options as PatchOptions, random, batch),
  brightness: (tf, x, options, random, batch) =>
    changeBrightness(tf, x, options as LightingOptions, random, batch),
  contrast: (tf, x, options, random, batch) =>
    changeContrast(tf, x, options as LightingOptions, random, batch),
  rotate: (tf, x, options, random, batch) => rotateImages(tf, x, options as RotateOptions, random, batch),
  zoom: (tf, x, options, random, batch) => zoomImages(tf, x, options as ZoomOptions, random, batch),
  affine: (tf, x, options, random, batch) => warpImages(tf, x, options as AffineOptions, random, batch),
};

/** The stream that a transform of these options draws from, apart from those of the images. */
function batchStreams({ seed, epoch, index, replica = 0 }: AugmentationKey) {
  const shared = new Random({ seed, purpose: Purpose.augmentation, epoch, index });
  const own = new Random({ seed, purpose: Purpose.augmentationOfReplica, epoch, index, item: replica });
  return (name: string, { perItem, perReplica }: DrawOptions): Random => {
    if (perItem && perReplica) {
      throw new RecipeError(`The transform ${name} cannot draw per item and per replica at once.`, {
        where: 'transforms',
        hint: 'Leave one of perItem and perReplica out: a draw for each image is one of its own on every replica.',
      });
    }
    return perReplica ? own : shared;
  };
}

/** The streams of the images, made when they are first asked for. */
function itemStreams({ seed, epoch, index }: AugmentationKey, placeOf: TransformBatch['placeOf']) {
  const streams: Random[] = [];
  return (image: number): Random => {
    const purpose = Purpose.augmentationOfItem;
    streams[image] ??= new Random({ seed, purpose, epoch, index, item: placeOf(image) });
    return streams[image];
  };
}

/**
 * Applies the transforms in order. `x` stays the caller's; so does the result, which is always another tensor.
 *
 * @param custom the recipe's own transforms, by name; they take precedence
 * @throws RecipeError for an unknown name or unusable options
 */
export function applyTransforms(
  tf: Tf,
  x: Tensor4D,
  specs: readonly TransformSpec[],
  key: AugmentationKey,
  custom: Readonly<Record<string, Transform>> = {},
): Tensor4D {
  const known: Readonly<Record<string, Transform>> = { ...builtIn, ...custom };
  const streamOf = batchStreams(key);
  return tf.tidy(() => {
    let images = x;
    const { size = x.shape[0], placeOf = image => image } = key;
    const itemRandom = itemStreams(key, placeOf);
    const scales = scalesOf(Object.hasOwn(custom, 'normalize') ? [] : specs);
    for (const [place, { name, options = {} }] of specs.entries()) {
      if (!Object.hasOwn(known, name)) {
        throw new RecipeError(`There is no transform "${name}".`, {
          where: 'transforms',
          hint: `Known transforms: ${Object.keys(known).join(', ')}. Others come from the recipe's transforms.`,
        });
      }
      const count = images.shape[0];
      const random = streamOf(name, options);
      images = known[name](tf, images, options, random, {
        size,
        placeOf,
        itemRandom,
        scale: scales[place] ?? {},
      });
      if (!(images instanceof tf.Tensor) || images.rank !== 4 || images.shape[0] !== count) {
        const got = images instanceof tf.Tensor ? `shape [${images.shape}]` : typeof images;
        throw new RecipeError(
          `the transform "${name}" returned ${got}, not [${count}, height, width, channels]`,
          {
            where: 'transforms',
            hint: 'return one image for each that came in',
          },
        );
      }
    }
    return images === x ? tf.clone(x) : images;
  });
}
