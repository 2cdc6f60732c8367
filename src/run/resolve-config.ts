/** Settings as given, made into settings as used. */
import { ConfigError } from '../errors.js';
import { models } from '../models/catalog.js';
import { problemsOf } from '../schema-problems.js';
import { configSchema, type TrainConfig, type TrainOptions } from './config.js';

/** @throws ConfigError naming each option that is wrong, and what it may be */
export function resolveConfig(options: TrainOptions): TrainConfig {
  const parsed = configSchema.safeParse(options);
  if (!parsed.success) {
    throw new ConfigError(problemsOf(parsed.error, 'options'), {
      where: [...new Set(parsed.error.issues.map(({ path }) => String(path[0] ?? 'options')))].join(', '),
      hint: 'see --help for every option, its unit and its default',
    });
  }
  checkTogether(parsed.data);
  return parsed.data;
}

const withMomentum: readonly string[] = ['sgd', 'rmsprop', 'lessonMomentum'];

/** Settings that say something only beside another one, and what that one must be. */
const needs: readonly [keyof TrainConfig, (config: TrainConfig) => boolean, string][] = [
  ['momentum', ({ optimizer }) => withMomentum.includes(optimizer), `optimizer ${withMomentum.join(', ')}`],
  ['lrGamma', ({ schedule }) => schedule === 'exponential', 'schedule exponential'],
  ['cutmix', ({ mixup }) => mixup === undefined, 'a run without mixup: a batch is mixed once'],
  ['checkpointSteps', ({ checkpoint }) => checkpoint > 0, 'checkpoint 1 or more'],
  ['checkpointMinutes', ({ checkpoint }) => checkpoint > 0, 'checkpoint 1 or more'],
];

/** Whether anything is drawn for a batch that images could have draws of their own for. */
function augments({ augment, rotate, zoom, brightness, contrast, randErase }: TrainConfig): boolean {
  return augment || [rotate, zoom, brightness, contrast, randErase].some(value => value !== undefined);
}

function checkTogether(config: TrainConfig): void {
  const { model, recipe } = config;
  if (model !== undefined && recipe !== undefined) {
    throw new ConfigError('both a model and a recipe were given', {
      where: 'model, recipe',
      hint: 'give one: a ready model by name, or a module of your own',
    });
  }
  if (model !== undefined && !Object.hasOwn(models, model)) {
    throw new ConfigError(`there is no model '${model}'`, {
      where: 'model',
      hint: `one of ${Object.keys(models).join(', ')}; or --recipe FILE for your own`,
    });
  }
  for (const [key, holds, what] of needs) {
    if (config[key] === undefined || holds(config)) continue;
    throw new ConfigError(`${key} needs ${what}`, { where: key, hint: `leave ${key} out` });
  }
  if (config.augmentPerItem && !augments(config)) {
    throw new ConfigError('augmentPerItem needs augment, rotate, zoom, brightness, contrast or randErase', {
      where: 'augmentPerItem',
    });
  }
}
