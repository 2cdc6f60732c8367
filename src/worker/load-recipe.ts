/** Imports a recipe module, builds its model, and refuses what cannot be trained, saying why. */
import type { LayersModel, Shape } from '@tensorflow/tfjs-layers';
import type { Tf } from '../engine/tf.js';
import { GradringError, RecipeError } from '../errors.js';
import { checkOwnOptimizers } from '../nn/own-rule.js';
import type { LossSpec } from '../protocol/loss.js';
import type { RecipeReference } from '../protocol/messages.js';
import { builtInHooks } from './hook-functions.js';
import { type Loss, resolveLoss } from './loss.js';
import type { Recipe, RecipeContext } from './recipe.js';

export interface LoadedRecipe {
  readonly recipe: Recipe;
  readonly model: LayersModel;
  readonly loss: Loss;
  /** Without the batch dimension. */
  readonly outputShape: readonly number[];
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

async function importRecipe(url: string): Promise<Recipe> {
  let module: Record<string, unknown>;
  try {
    module = await import(url);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RecipeError(`the recipe module cannot be imported: ${reason}`, {
      where: url,
      hint: 'it must be an ES module (.mjs, or .js under "type": "module") that Node can run as it is',
      cause,
    });
  }
  const recipe = module.default;
  if (!isObject(recipe) || typeof recipe.model !== 'function') {
    throw new RecipeError('the recipe module has no default export with a model() function', {
      where: url,
      hint: 'export default defineRecipe({ model(tf, context) { … } })',
    });
  }
  checkParts(recipe, url);
  return recipe as unknown as Recipe;
}

function checkParts(recipe: Record<string, unknown>, where: string): void {
  for (const part of ['metrics', 'transforms', 'hooks'] as const) {
    const functions = recipe[part];
    if (functions === undefined) continue;
    const wrong = isObject(functions)
      ? Object.keys(functions).find(name => typeof functions[name] !== 'function')
      : part;
    if (wrong !== undefined)
      throw new RecipeError(`the recipe's ${part}: '${wrong}' is not a function`, { where });
  }
  checkOwnOptimizers(recipe.optimizers, where);
  const hooks = isObject(recipe.hooks) ? Object.keys(recipe.hooks) : [];
  const taken = hooks.find(name => Object.hasOwn(builtInHooks, name));
  if (taken !== undefined) {
    throw new RecipeError(`the recipe has a hook called '${taken}', as a built-in one is`, {
      where,
      hint: 'give it another name',
    });
  }
  if (isObject(recipe.metrics) && 'loss' in recipe.metrics) {
    throw new RecipeError("the recipe has a metric called 'loss', which is the loss's own column", {
      where,
      hint: 'give it another name',
    });
  }
}

const show = (shape: readonly (number | null)[]): string => `[${shape.map(d => d ?? 'null').join(', ')}]`;

const single = (shape: Shape | Shape[]): Shape | undefined =>
  Array.isArray(shape[0]) ? undefined : (shape as Shape);

function checkModel(model: unknown, loss: Loss['name'], context: RecipeContext, where: string): number[] {
  if (!isObject(model) || typeof model.apply !== 'function' || !Array.isArray(model.weights)) {
    throw new RecipeError(
      `model() returned ${model === null ? 'null' : typeof model}, not a tf.LayersModel`,
      {
        where,
        hint: 'return tf.sequential({ layers }) or tf.model({ inputs, outputs })',
      },
    );
  }
  const { inputs, outputShape } = model as unknown as LayersModel;
  const input = inputs.length === 1 ? inputs[0].shape : undefined;
  const output = single(outputShape);
  if (!input || !output) throw new RecipeError('the model must have one input and one output', { where });
  const expected = [null, ...context.imageShape];
  const fits = input.length === 4 && input.every((d, i) => d === null || d === expected[i]);
  if (!fits) {
    throw new RecipeError(`the model takes ${show(input)}, but the images are ${show(expected)}`, {
      where,
      hint: 'give the first layer inputShape: context.imageShape',
    });
  }
  const shape = output.slice(1);
  if (shape.some(d => d === null)) {
    throw new RecipeError(`the model's output ${show(output)} is not known in full`, { where });
  }
  checkOutput(shape as number[], loss, context, where);
  if (loss === 'crossEntropy' && endsInSoftmax(model as unknown as LayersModel)) {
    throw new RecipeError('the model ends in a softmax, and cross-entropy would take another one of it', {
      where,
      hint: "leave the last layer's softmax away: the loss wants logits",
    });
  }
  return shape as number[];
}

/** Whether the model's last layer already is a softmax. */
function endsInSoftmax({ layers }: LayersModel): boolean {
  const last = layers[layers.length - 1];
  return last?.getClassName() === 'Softmax' || last?.getConfig().activation === 'softmax';
}

function checkOutput(shape: number[], loss: Loss['name'], context: RecipeContext, where: string): void {
  if (loss === 'crossEntropy' && (shape.length !== 1 || shape[0] < context.classes.length)) {
    throw new RecipeError(
      `the model's output is ${show([null, ...shape])}, but cross-entropy over ${context.classes.length} ` +
        `classes needs logits [null, ${context.classes.length}]`,
      { where, hint: `end with tf.layers.dense({ units: ${context.classes.length} }), without softmax` },
    );
  }
  if (loss === 'mse' && show(shape) !== show([...context.imageShape])) {
    throw new RecipeError(
      `the model's output is ${show([null, ...shape])}, but 'mse' compares it with the images ` +
        show([null, ...context.imageShape]),
      { where },
    );
  }
}

/**
 * Imports the recipe and builds its model with the engine's `tf`.
 *
 * @param givenLoss in the place of the recipe's
 * @throws RecipeError naming the module and what is wrong with it
 */
export async function loadRecipe(
  tf: Tf,
  reference: RecipeReference,
  context: RecipeContext,
  givenLoss?: LossSpec,
): Promise<LoadedRecipe> {
  const recipe = await importRecipe(reference.url);
  const loss = resolveLoss(recipe.loss, givenLoss, reference.url);
  let model: LayersModel;
  try {
    model = await recipe.model(tf, context);
  } catch (cause) {
    if (cause instanceof GradringError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RecipeError(`model() threw: ${reason}`, {
      where: reference.url,
      hint: 'the error is in the recipe itself; --debug shows its stack',
      cause,
    });
  }
  const outputShape = checkModel(model, loss.name, context, reference.url);
  if (model.trainableWeights.length === 0) {
    throw new RecipeError('the model has no trainable weights', {
      where: reference.url,
      hint: 'unfreeze a layer: layer.trainable = true',
    });
  }
  return { recipe, model, loss, outputShape };
}
