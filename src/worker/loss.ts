/** The loss of a run: the recipe's or the one given in its place, as a function and as what it asks of the model. */
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { RecipeError } from '../errors.js';
import { crossEntropy, mse } from '../nn/losses.js';
import type { LossSpec } from '../protocol/loss.js';
import type { LossFunction } from './recipe.js';

export interface Loss {
  readonly name: 'crossEntropy' | 'mse' | 'own';
  readonly compute: LossFunction;
}

const meanSquares: LossFunction = (_tf, predictions, _targets, inputs) => mse(predictions, inputs);

const smoothed =
  (labelSmoothing: number): LossFunction =>
  (_tf, logits, targets) =>
    crossEntropy(logits as Tensor2D, targets, 'mean', labelSmoothing);

const isShare = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= 1;

/**
 * @param own the recipe's
 * @param given in its place
 * @param where the recipe's module
 * @throws RecipeError when the one that counts is none
 */
export function resolveLoss(
  own: LossSpec | LossFunction = 'crossEntropy',
  given: LossSpec | undefined,
  where: string,
): Loss {
  const loss = given ?? own;
  if (typeof loss === 'function') return { name: 'own', compute: loss };
  const spec: { readonly name?: unknown; readonly labelSmoothing?: unknown } | null =
    typeof loss === 'object' ? loss : { name: loss };
  const { name, labelSmoothing = 0 } = spec ?? {};
  if (name === 'mse') return { name, compute: meanSquares };
  if (name === 'crossEntropy' && isShare(labelSmoothing)) return { name, compute: smoothed(labelSmoothing) };
  throw new RecipeError(`the ${given ? 'given' : "recipe's"} loss is ${JSON.stringify(loss)}`, {
    where,
    hint:
      name === 'crossEntropy'
        ? 'labelSmoothing is a number from 0 to 1'
        : "use 'crossEntropy', 'mse', { name: 'crossEntropy', labelSmoothing: 0.1 } or, in a recipe, a function " +
          'that returns the mean loss as a scalar',
  });
}
