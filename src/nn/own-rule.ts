import { RecipeError } from '../errors.js';
import { builtInOptimizers, type GroupSettings } from '../protocol/optimizer.js';
import type { OptimizerBuffers, UpdateRule } from './update-rule.js';

/** One parameter's elements [start, end) in the flat buffers, at one step. */
export interface OwnUpdate {
  /** All parameters; to be changed in place, from `start` to `end` only. */
  readonly values: Float32Array;
  /** Their gradients, the mean over the global batch. Not to be changed. */
  readonly gradients: Float32Array;
  /** The rule's own buffers by name, zero before the first step; changed in place like `values`. */
  readonly buffers: OptimizerBuffers;
  readonly start: number;
  readonly end: number;
  /** Of the parameter's group: `lr`, and whatever `recipeOptimizer` was given. */
  readonly settings: GroupSettings;
  /** 1 at the first step of this parameter's group; a frozen group's count stands still. */
  readonly step: number;
}

/**
 * An update rule of a recipe. It must be a pure function of what it is given: every replica runs it on the same
 * numbers, and all must come to the same bits.
 */
export interface OwnOptimizer {
  /** Names of the float32 buffers it keeps between steps. They are saved in checkpoints. Default none. */
  readonly buffers?: readonly string[];
  update(stretch: OwnUpdate): void;
}

/** Runs a recipe's rule as one of gradring's. */
export class OwnRule implements UpdateRule {
  readonly buffers: OptimizerBuffers;
  readonly #name: string;
  readonly #own: OwnOptimizer;

  constructor(length: number, name: string, own: OwnOptimizer) {
    this.buffers = Object.fromEntries(
      (own.buffers ?? []).map(buffer => [buffer, new Float32Array(length)] as const),
    );
    this.#name = name;
    this.#own = own;
  }

  /** @throws RecipeError with what the recipe's function threw as its cause */
  update(
    values: Float32Array,
    gradients: Float32Array,
    start: number,
    end: number,
    settings: GroupSettings,
    step: number,
  ): void {
    try {
      this.#own.update({ values, gradients, buffers: this.buffers, start, end, settings, step });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new RecipeError(`the recipe's optimizer '${this.#name}' threw: ${reason}`, { cause });
    }
  }
}

/**
 * Checks the `optimizers` of a recipe.
 *
 * @throws RecipeError
 */
export function checkOwnOptimizers(optimizers: unknown, where: string): void {
  if (optimizers === undefined) return;
  if (typeof optimizers !== 'object' || optimizers === null)
    throw new RecipeError("the recipe's optimizers are not an object of update rules by name", { where });
  for (const [name, own] of Object.entries(optimizers)) {
    if ((builtInOptimizers as readonly string[]).includes(name))
      throw new RecipeError(`the recipe has an optimizer called '${name}', which is gradring's own`, {
        where,
        hint: 'give it another name',
      });
    const { buffers = [], update } = Object(own) as Partial<Record<keyof OwnOptimizer, unknown>>;
    const named = Array.isArray(buffers) && buffers.every(buffer => typeof buffer === 'string');
    if (typeof update !== 'function' || !named || new Set(buffers).size < buffers.length)
      throw new RecipeError(`the recipe's optimizer '${name}' is not an update rule`, {
        where,
        hint: "it is { buffers: ['average'], update({ values, gradients, buffers, start, end, settings, step }) { … } }",
      });
  }
}
