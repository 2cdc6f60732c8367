import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RecipeError } from '../errors.js';
import { models } from '../models/catalog.js';
import type { RecipeReference } from '../protocol/messages.js';
import type { TrainConfig } from './config.js';

/**
 * The recipe of a run: the user's module, or a ready one by name (default: resnet).
 *
 * @throws RecipeError when the file is not there
 */
export function recipeReference({ recipe, model = 'resnet', options }: TrainConfig): RecipeReference {
  if (recipe === undefined) {
    const ready = models[model];
    return { url: ready.url, options: { ...ready.options, ...options } };
  }
  if (recipe.startsWith('file:')) return { url: recipe, options };
  const path = resolve(recipe);
  if (!existsSync(path)) {
    throw new RecipeError(`there is no recipe module ${path}`, {
      where: recipe,
      hint: 'give the path of an ES module whose default export is defineRecipe({ … })',
    });
  }
  return { url: pathToFileURL(path).href, options };
}
