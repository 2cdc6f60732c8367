/** The ready recipes, by the name `--model` knows them under. */
import type { RecipeReference } from '../protocol/messages.js';
import { threadUrl } from '../thread-url.js';

const recipe = (file: string, options: Record<string, unknown> = {}): RecipeReference => ({
  url: threadUrl(file, import.meta.url).href,
  options,
});

export const models: Readonly<Record<string, RecipeReference>> = {
  mlp: recipe('./mlp'),
  cnn: recipe('./cnn'),
  resnet: recipe('./resnet'),
  resnet4: recipe('./resnet', { variant: 4 }),
};
