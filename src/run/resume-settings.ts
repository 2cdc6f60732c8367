/** Which settings a run may be resumed with another value of. */
import { ConfigError } from '../errors.js';
import type { TrainConfig, TrainOptions } from './config.js';

/**
 * - `fixed`: with another value it would be another run: other data, another order, another model.
 * - `free`: it may change from now on.
 * - `never`: says where a new run goes, which this is not.
 */
type Rule = 'fixed' | 'free' | 'never';

/** Of every setting: whoever adds one decides. */
const rules: Readonly<Record<keyof TrainConfig, Rule>> = {
  data: 'fixed',
  imageColumn: 'fixed',
  labelColumn: 'fixed',
  imageSize: 'fixed',
  fit: 'fixed',
  kernel: 'fixed',
  channels: 'fixed',
  maxPixels: 'free',
  maxFileBytes: 'free',
  allowOutside: 'free',
  validSplit: 'fixed',
  model: 'fixed',
  recipe: 'fixed',
  options: 'fixed',
  gpus: 'free',
  engine: 'free',
  precision: 'free',
  tf32: 'free',
  deterministic: 'free',
  cudaGraph: 'free',
  allowSharedDevice: 'free',
  epochs: 'free',
  batchSize: 'fixed',
  optimizer: 'fixed',
  lr: 'free',
  schedule: 'fixed',
  lrGamma: 'free',
  momentum: 'free',
  weightDecay: 'free',
  gradClip: 'free',
  accumulate: 'fixed',
  ema: 'free',
  labelSmoothing: 'free',
  augment: 'free',
  rotate: 'free',
  zoom: 'free',
  brightness: 'free',
  contrast: 'free',
  randErase: 'free',
  augmentPerItem: 'free',
  mixup: 'free',
  cutmix: 'free',
  monitor: 'free',
  earlyStop: 'free',
  maxSteps: 'free',
  maxTime: 'free',
  limitBatches: 'fixed',
  checkpoint: 'free',
  keepCheckpoints: 'free',
  checkpointSteps: 'free',
  checkpointMinutes: 'free',
  resume: 'free',
  seed: 'fixed',
  workers: 'free',
  cache: 'free',
  onBadSample: 'free',
  maxBadSamples: 'free',
  verify: 'free',
  stallTimeout: 'free',
  stallWarning: 'free',
  startTimeout: 'free',
  onReplicaFailure: 'free',
  maxRestarts: 'free',
  track: 'free',
  plot: 'free',
  dryRun: 'never',
  out: 'never',
};

/** A cycle is cut for its number of epochs; the other curves keep the rate that they began with. */
const fixedBySchedule: Readonly<Record<TrainConfig['schedule'], readonly (keyof TrainConfig)[]>> = {
  'one-cycle': ['epochs'],
  cosine: ['lr'],
  'flat-cos': ['lr'],
  exponential: ['lr'],
  constant: [],
};

/**
 * @param own the run's settings so far
 * @returns those given that differ, such as `lr 0.01 → 0.001`
 * @throws ConfigError when one is given that cannot be changed
 */
export function changedSettings(given: TrainOptions, own: TrainOptions): string[] {
  const keys = (Object.keys(given) as (keyof TrainConfig)[]).filter(key => given[key] !== undefined);
  const never = keys.find(key => rules[key] === 'never' && given[key]);
  if (never !== undefined)
    throw new ConfigError(`${never} and resume exclude each other: a resumed run goes on in its folder`, {
      where: never,
      hint: 'leave one of them out',
    });
  const fixedHere = fixedBySchedule[own.schedule ?? 'one-cycle'];
  const changed = keys.filter(key => rules[key] !== 'never' && show(own[key]) !== show(given[key]));
  const tell = (key: keyof TrainConfig): string => `${key} ${show(own[key])} → ${show(given[key])}`;
  const refused = changed.filter(key => rules[key] === 'fixed' || fixedHere.includes(key));
  if (refused.length > 0)
    throw new ConfigError(
      `a run cannot be resumed with another ${refused.join(', ')}: ${refused.map(tell).join(', ')}`,
      { where: refused[0], hint: 'leave it out, or start a new run' },
    );
  return changed.map(tell);
}

/** As JSON has it: flags give some numbers as text. */
const show = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? 'none');
