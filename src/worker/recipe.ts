/**
 * The recipe: what is the user's own. Functions cannot cross threads, so it is a module that every replica
 * imports from its URL; its default export is what `defineRecipe` returns.
 */
import type { Scalar, Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Tf } from '../engine/tf.js';
import type { Transform } from '../nn/augment.js';
import type { ImageScale } from '../nn/image-scale.js';
import type { OwnOptimizer } from '../nn/own-rule.js';
import type { ImageShape } from '../protocol/batch.js';
import type { LossSpec } from '../protocol/loss.js';

export type { Tf } from '../engine/tf.js';
export type { OwnOptimizer, OwnUpdate } from '../nn/own-rule.js';

/** What a recipe's functions are told about the run. */
export interface RecipeContext<Options = Readonly<Record<string, unknown>>> {
  /** [height, width, channels] of every image. */
  readonly imageShape: ImageShape;
  /** Class names; labels are their indices. */
  readonly classes: readonly string[];
  readonly seed: number;
  /** The JSON given to the run for this recipe. */
  readonly options: Options;
}

/**
 * Mean over the samples of a shard, as a scalar. gradring weights it by the shard's share of the batch.
 *
 * @param predictions [n, …output shape]
 * @param targets int32 class indices, [n]
 * @param inputs float32 [n, height, width, channels], after the transforms
 * @param scale what the values of the inputs mean, by the `normalize` they went through
 */
export type LossFunction = (
  tf: Tf,
  predictions: Tensor,
  targets: Tensor1D,
  inputs: Tensor4D,
  scale: ImageScale,
) => Scalar;

/** Sum over the samples of a shard, as a scalar: sums of all shards are added and divided once. */
export type MetricFunction = LossFunction;

/** Where a hook is, and what of. */
export interface HookContext {
  /** Name and class name of the layer. */
  readonly layer: string;
  readonly type: string;
  readonly kind: 'forward' | 'gradient';
  /** What the layer was given; empty in a gradient hook. */
  readonly inputs: readonly Tensor[];
  readonly training: boolean;
  /** Number of this use of the layer in the forward pass, from 0. */
  readonly use: number;
  /** The JSON given with the hook. */
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * Sees a layer's output (kind `forward`) or the gradient of the batch's mean loss for it (kind `gradient`), of one
 * shard: [n, …]. What it returns by name is reported, added up over the shards unless the hook on the other side says
 * otherwise. A tensor called `output` is not reported: it takes the place of the value.
 */
export type HookFunction = (
  tf: Tf,
  value: Tensor,
  context: HookContext,
) => Readonly<Record<string, Tensor | number>> | undefined;

export interface Recipe<Options = Readonly<Record<string, unknown>>> {
  /** For people: shown in the first lines of a run. */
  readonly name?: string;
  /** Builds the model: input [null, …imageShape], any layers of tfjs. Called once on every replica. */
  model(tf: Tf, context: RecipeContext<Options>): LayersModel | Promise<LayersModel>;
  /**
   * `crossEntropy` (default): softmax cross-entropy of logits [n, classes] and class indices. `{ name:
   * 'crossEntropy', labelSmoothing: 0.1 }` spreads a tenth of each target over all classes.
   * `mse`: mean squared error between the output and the input images, for autoencoders.
   */
  readonly loss?: LossSpec | LossFunction;
  /** Computed on the device for every batch, shown as columns. */
  readonly metrics?: Readonly<Record<string, MetricFunction>>;
  /** Named transforms that `BatchTransformCB` and the loaders can ask for beside the built-in ones. */
  readonly transforms?: Readonly<Record<string, Transform>>;
  /** Named functions that hooks can put on layers, beside `stats`, `shape` and `capture`. */
  readonly hooks?: Readonly<Record<string, HookFunction>>;
  /** Update rules that `recipeOptimizer(name)` can ask for beside the built-in optimizers. */
  readonly optimizers?: Readonly<Record<string, OwnOptimizer>>;
}

/** Gives a recipe module its types. */
export function defineRecipe<Options = Readonly<Record<string, unknown>>>(
  recipe: Recipe<Options>,
): Recipe<Options> {
  return recipe;
}
