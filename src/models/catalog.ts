/** The ready recipes, by the name `--model` knows them under. */
import type { RecipeReference } from '../protocol/messages.js';
import { threadUrl } from '../thread-url.js';

const recipe = (file: string, options: Record<string, unknown> = {}): RecipeReference => ({
  url: threadUrl(file, import.meta.url).href,
  options,
});

/** As the lessons have it: their activation, and Kaiming normal weights for it. */
const lesson = { activation: 'generalRelu', init: { leaky: 0.1 } };
const wide = [16, 32, 64, 128, 256];

export const models: Readonly<Record<string, RecipeReference>> = {
  mlp: recipe('./mlp'),
  cnn: recipe('./cnn'),
  autoencoder: recipe('./autoencoder'),
  conv64: recipe('./conv-net'),
  conv128: recipe('./conv-net', { filters: [8, 16, 32, 64, 128], firstStride: 1 }),
  resnet: recipe('./resnet'),
  resnet4: recipe('./resnet', { variant: 4 }),
  resnet256: recipe('./resnet', {
    ...lesson,
    filters: [8, 16, 32, 64, 128, 256],
    kernelSize: 3,
    head: 'flatten',
  }),
  get_model: recipe('./resnet', { ...lesson, filters: [...wide, 512], head: 'flatten' }),
  get_model2: recipe('./resnet', { ...lesson, lastFilters: 512 }),
  get_model3: recipe('./resnet', lesson),
  get_model4: recipe('./resnet', { ...lesson, variant: 4 }),
};
