/**
 * What a client may set of a run: an allow-list, with limits on what costs memory, threads or disk. gradring checks
 * the rest. Data and recipes are names in folders of the service's owner, never paths.
 */
import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { models, resolveConfig } from 'gradring';
import { Refusal } from './problems.mjs';

/** Each can be given to `buildService`. */
export const defaultLimits = {
  /** Runs at a time. */
  running: 2,
  /** Run folders kept; beyond it one must be deleted before another starts. */
  runs: 1000,
  /** Open connections. */
  connections: 1000,
  replicas: 8,
  epochs: 1000,
  batchSize: 4096,
  /** Pixels of a side of an image. */
  imageSide: 1024,
  workers: 16,
  checkpoints: 10,
};

const name = { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$' };
const count = maximum => ({ type: 'integer', minimum: 0, maximum });

/** Settings whose values are gradring's business alone. */
const free = [
  ...['model', 'options', 'engine', 'precision', 'tf32', 'deterministic', 'cudaGraph', 'seed', 'monitor'],
  ...['optimizer', 'lr', 'schedule', 'lrGamma', 'momentum', 'weightDecay', 'gradClip', 'accumulate', 'ema'],
  ...['labelSmoothing', 'augment', 'rotate', 'zoom', 'brightness', 'contrast', 'randErase', 'augmentPerItem'],
  ...['mixup', 'cutmix', 'imageColumn', 'labelColumn', 'fit', 'kernel', 'channels', 'validSplit'],
  ...['earlyStop', 'maxSteps', 'maxTime', 'limitBatches', 'checkpointSteps', 'checkpointMinutes'],
  ...['onReplicaFailure', 'stallWarning', 'onBadSample', 'maxBadSamples', 'verify'],
];

/** @param {typeof defaultLimits} limits */
const limited = limits => ({
  data: name,
  recipe: name,
  gpus: {
    anyOf: [
      { type: 'integer', minimum: 1, maximum: limits.replicas },
      { type: 'string', pattern: '^(all|cpu:[0-9]{1,3}|[0-9]{1,3}(,[0-9]{1,3})*)$' },
    ],
  },
  epochs: count(limits.epochs),
  batchSize: count(limits.batchSize),
  imageSize: { type: 'array', items: count(limits.imageSide) },
  workers: { anyOf: [{ const: 'auto' }, count(limits.workers)] },
  checkpoint: count(limits.checkpoints),
  keepCheckpoints: count(limits.checkpoints),
  maxRestarts: count(10),
  stallTimeout: { type: 'number', maximum: 3600 },
  startTimeout: { type: 'number', maximum: 3600 },
});

export class Settings {
  #limits;
  #folders;

  /**
   * @param {{ data?: string, recipes?: string, limits: typeof defaultLimits }} options folders whose entries are
   * the datasets and the recipes there are
   */
  constructor({ data, recipes, limits }) {
    this.#limits = limits;
    this.#folders = { data, recipe: recipes };
    const properties = { ...Object.fromEntries(free.map(key => [key, {}])), ...limited(limits) };
    /** Of the body that starts a run. */
    this.schema = { type: 'object', additionalProperties: false, properties };
    /** Of the body that resumes one: all else is as it was. */
    this.resumeSchema = { ...this.schema, properties: { epochs: properties.epochs } };
  }

  /** What there is to choose from, for a page. */
  async choices() {
    return {
      data: ['sample', ...(await this.#names('data'))],
      recipes: await this.#names('recipe'),
      models: Object.keys(models),
      settings: Object.keys(this.schema.properties),
      limits: this.#limits,
    };
  }

  /**
   * @param {Record<string, unknown>} given as the schema has it
   * @returns {Promise<import('gradring').TrainOptions>} with paths in place of names
   * @throws Refusal or ConfigError (400)
   */
  async resolve(given) {
    const { data = 'sample', recipe } = given;
    const options = {
      ...given,
      data: data === 'sample' ? data : await this.#path('data', data),
      ...(recipe === undefined ? {} : { recipe: await this.#path('recipe', recipe) }),
    };
    const { gpus } = resolveConfig(options);
    if (replicasOf(gpus) > this.#limits.replicas)
      throw new Refusal(400, 'E_CONFIG', `at most ${this.#limits.replicas} replicas`, { where: 'gpus' });
    return options;
  }

  /**
   * Of a run on disk, whose `config.json` has everything.
   *
   * @param {Record<string, unknown>} config
   */
  shown(config) {
    const own = Object.entries(config).filter(([key]) => key in this.schema.properties);
    const named = ([key, value]) => [key, key in this.#folders ? String(value).split(/[\\/]/).at(-1) : value];
    return Object.fromEntries(own.map(named));
  }

  /** @param {'data' | 'recipe'} kind @returns {Promise<string[]>} */
  async #names(kind) {
    const folder = this.#folders[kind];
    if (folder === undefined) return [];
    const pattern = kind === 'data' ? new RegExp(name.pattern) : /^[A-Za-z0-9][\w.-]{0,60}\.m?js$/;
    return (await readdir(folder)).filter(entry => pattern.test(entry)).sort();
  }

  /** Only what really lies in the folder: a link that leads out of it is as good as nothing. */
  async #path(kind, entry) {
    const folder = this.#folders[kind];
    if ((await this.#names(kind)).includes(entry)) {
      const root = await realpath(folder);
      const path = await realpath(join(root, entry));
      if (path.startsWith(join(root, '/'))) return path;
    }
    const known = [...(kind === 'data' ? ['sample'] : []), ...(await this.#names(kind))];
    throw new Refusal(400, 'E_CONFIG', `there is no ${kind} '${entry}' here`, {
      where: kind,
      hint: known.length > 0 ? `one of ${known.join(', ')}` : `start the service with a folder of them`,
    });
  }
}

/** @param {string | number} gpus */
function replicasOf(gpus) {
  const text = String(gpus);
  if (text === 'all') return 1;
  if (text.startsWith('cpu:')) return Number(text.slice(4));
  return text.includes(',') ? text.split(',').filter(part => part !== '').length : Number(text);
}
