/**
 * The flags of `train`. Those of a run take their description and default from the schema in run/config.ts; here
 * stands only how they are written.
 */
import { z } from 'zod';
import { badSamplePolicies } from '../data/bad-samples.js';
import { cacheKinds } from '../data/cache/cache-options.js';
import { fits, kernels } from '../data/decode/decode.js';
import { ConfigError } from '../errors.js';
import { failurePolicies } from '../protocol/failure-policy.js';
import {
  configSchema,
  optimizerNames,
  scheduleNames,
  type TrainOptions,
  trackerNames,
} from '../run/config.js';
import { type ParsedArguments, parseArguments } from './parse-arguments.js';

export type FlagGroup = 'Devices' | 'Data' | 'Model' | 'Training' | 'Output' | 'Other';

export interface Flag {
  readonly group: FlagGroup;
  /** What stands for the value in the help; absent for a switch. */
  readonly value?: string;
  readonly description: string;
  readonly default?: string;
  /** Shown by `--help` already. */
  readonly common: boolean;
}

type Key = keyof TrainOptions;

interface RunFlag {
  readonly key: Key;
  readonly group: FlagGroup;
  readonly value?: string;
  readonly common?: boolean;
  readonly read?: (text: string) => unknown;
}

export const number = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));

const json = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`--options is not JSON: ${(cause as Error).message}`, {
      where: '--options',
      hint: `quote it for the shell: --options '{"hidden":100}'`,
    });
  }
};

const size = (text: string): unknown => {
  const [, height, width] = /^(\d+)x(\d+)$/.exec(text) ?? [];
  if (height !== undefined) return [Number(height), Number(width)];
  throw new ConfigError(`--image-size ${text} is not HEIGHTxWIDTH`, {
    where: '--image-size',
    hint: 'such as --image-size 28x28',
  });
};

/** Flags that set an option of the run. */
const runFlags: Readonly<Record<string, RunFlag>> = {
  gpus: { key: 'gpus', group: 'Devices', value: 'n|list|all|cpu:n', common: true },
  engine: { key: 'engine', group: 'Devices', value: 'auto|torch|wasm|cpu|tensorflow', common: true },
  precision: { key: 'precision', group: 'Devices', value: 'fp32|bf16', common: true },
  tf32: { key: 'tf32', group: 'Devices' },
  deterministic: { key: 'deterministic', group: 'Devices' },
  'cuda-graph': { key: 'cudaGraph', group: 'Devices' },
  'allow-shared-device': { key: 'allowSharedDevice', group: 'Devices' },
  data: { key: 'data', group: 'Data', value: 'name|path', common: true },
  'image-column': { key: 'imageColumn', group: 'Data', value: 'name' },
  'label-column': { key: 'labelColumn', group: 'Data', value: 'name' },
  workers: {
    key: 'workers',
    group: 'Data',
    value: 'n|auto',
    common: true,
    read: text => (text === 'auto' ? text : number(text)),
  },
  cache: { key: 'cache', group: 'Data', value: cacheKinds.join('|') },
  'image-size': { key: 'imageSize', group: 'Data', value: 'HxW', read: size },
  fit: { key: 'fit', group: 'Data', value: fits.join('|') },
  kernel: { key: 'kernel', group: 'Data', value: kernels.join('|') },
  channels: { key: 'channels', group: 'Data', value: '1|3', read: number },
  'max-pixels': { key: 'maxPixels', group: 'Data', value: 'n', read: number },
  'max-file-bytes': { key: 'maxFileBytes', group: 'Data', value: 'n', read: number },
  'allow-outside': { key: 'allowOutside', group: 'Data' },
  'on-bad-sample': { key: 'onBadSample', group: 'Data', value: badSamplePolicies.join('|') },
  'max-bad-samples': { key: 'maxBadSamples', group: 'Data', value: 'n', read: number },
  'valid-split': { key: 'validSplit', group: 'Data', value: 'share', read: number },
  augment: { key: 'augment', group: 'Data', common: true },
  rotate: { key: 'rotate', group: 'Data', value: 'degrees', read: number },
  zoom: { key: 'zoom', group: 'Data', value: 'factor', read: number },
  brightness: { key: 'brightness', group: 'Data', value: 'share', read: number },
  contrast: { key: 'contrast', group: 'Data', value: 'share', read: number },
  'rand-erase': { key: 'randErase', group: 'Data', value: 'share', read: number },
  'augment-per-item': { key: 'augmentPerItem', group: 'Data' },
  mixup: { key: 'mixup', group: 'Data', value: 'alpha', read: number },
  cutmix: { key: 'cutmix', group: 'Data', value: 'alpha', read: number },
  'limit-batches': { key: 'limitBatches', group: 'Data', value: 'n|share', read: number },
  model: { key: 'model', group: 'Model', value: 'name', common: true },
  recipe: { key: 'recipe', group: 'Model', value: 'file', common: true },
  options: { key: 'options', group: 'Model', value: 'json', read: json },
  epochs: { key: 'epochs', group: 'Training', value: 'n', common: true, read: number },
  'batch-size': { key: 'batchSize', group: 'Training', value: 'n', common: true, read: number },
  lr: { key: 'lr', group: 'Training', value: 'x', common: true, read: number },
  optimizer: { key: 'optimizer', group: 'Training', value: optimizerNames.join('|') },
  schedule: { key: 'schedule', group: 'Training', value: scheduleNames.join('|') },
  'lr-gamma': { key: 'lrGamma', group: 'Training', value: 'factor', read: number },
  momentum: { key: 'momentum', group: 'Training', value: 'x', read: number },
  'weight-decay': { key: 'weightDecay', group: 'Training', value: 'x', read: number },
  'grad-clip': { key: 'gradClip', group: 'Training', value: 'norm', read: number },
  accumulate: { key: 'accumulate', group: 'Training', value: 'batches', read: number },
  ema: { key: 'ema', group: 'Training', value: 'decay', read: number },
  'label-smoothing': { key: 'labelSmoothing', group: 'Training', value: 'share', read: number },
  monitor: { key: 'monitor', group: 'Training', value: 'figure' },
  'early-stop': { key: 'earlyStop', group: 'Training', value: 'epochs', read: number },
  'max-steps': { key: 'maxSteps', group: 'Training', value: 'n', read: number },
  'max-time': { key: 'maxTime', group: 'Training', value: 'seconds', read: number },
  seed: { key: 'seed', group: 'Training', value: 'n', common: true, read: number },
  verify: { key: 'verify', group: 'Training', value: 'step|epoch|off' },
  'on-replica-failure': { key: 'onReplicaFailure', group: 'Training', value: failurePolicies.join('|') },
  'max-restarts': { key: 'maxRestarts', group: 'Training', value: 'n', read: number },
  'stall-timeout': { key: 'stallTimeout', group: 'Training', value: 'seconds', read: number },
  'stall-warning': { key: 'stallWarning', group: 'Training', value: 'seconds', read: number },
  'start-timeout': { key: 'startTimeout', group: 'Training', value: 'seconds', read: number },
  out: { key: 'out', group: 'Output', value: 'folder', common: true },
  checkpoint: { key: 'checkpoint', group: 'Output', value: 'n', read: number },
  'keep-checkpoints': { key: 'keepCheckpoints', group: 'Output', value: 'n', read: number },
  'checkpoint-steps': { key: 'checkpointSteps', group: 'Output', value: 'n', read: number },
  'checkpoint-minutes': { key: 'checkpointMinutes', group: 'Output', value: 'minutes', read: number },
  resume: { key: 'resume', group: 'Output', value: 'folder', common: true },
  track: { key: 'track', group: 'Output', value: trackerNames.join(','), read: text => text.split(',') },
  plot: { key: 'plot', group: 'Output' },
  'dry-run': { key: 'dryRun', group: 'Output', common: true },
};

const ownFlags: Readonly<Record<string, Flag>> = {
  log: {
    group: 'Output',
    value: 'pretty|json|quiet',
    description: 'json: one line an epoch on stdout',
    default: 'pretty',
    common: true,
  },
  'find-lr': {
    group: 'Other',
    description: 'look for a learning rate, draw its curve, then end',
    common: true,
  },
  'list-devices': { group: 'Other', description: 'show engines and devices, then end', common: true },
  grace: {
    group: 'Other',
    value: 'seconds',
    description: 'after SIGTERM: how long the step and the saving may take before all ends at once',
    default: '25',
    common: false,
  },
  isolate: {
    group: 'Other',
    description: 'train in a process of its own; --on-replica-failure says what follows where it crashes',
    common: false,
  },
  debug: { group: 'Other', description: 'show the stack of an error', common: false },
  help: { group: 'Other', description: 'this page', common: true },
  'help-all': { group: 'Other', description: 'every option, and the exit codes', common: true },
  version: { group: 'Other', description: 'show the version, then end', common: true },
};

/** Every flag by name, in the order of the help. */
export function allFlags(): Readonly<Record<string, Flag>> {
  const { properties = {} } = z.toJSONSchema(configSchema, { io: 'input' });
  const flags = Object.entries(runFlags).map(([name, { key, group, value, common = false }]) => {
    const property = properties[key] as { description?: string; default?: unknown };
    const standard = value !== undefined && property.default !== undefined ? property.default : undefined;
    const text = typeof standard === 'object' ? undefined : standard;
    const flag: Flag = {
      group,
      value,
      description: property.description ?? '',
      default: text === undefined ? undefined : String(text),
      common,
    };
    return [name, flag] as const;
  });
  return { ...Object.fromEntries(flags), ...ownFlags };
}

/** The flag that sets an option of the run: `--batch-size` for `batchSize`. */
export function flagOf(key: string): string | undefined {
  const found = Object.entries(runFlags).find(([, flag]) => flag.key === key);
  return found && `--${found[0]}`;
}

/** Flags of a run that say what is opened and how: those of every command that opens data. */
export const dataFlags = [
  'data',
  'image-column',
  'label-column',
  'image-size',
  'fit',
  'kernel',
  'channels',
  'max-pixels',
  'max-file-bytes',
  'allow-outside',
  'valid-split',
] as const;

/** A command's flags in the order of its help: some of a run, with description and default, and its own. */
export function flagsWith(
  names: readonly string[],
  own: Readonly<Record<string, Flag>>,
): Readonly<Record<string, Flag>> {
  const ofRun = allFlags();
  return { ...Object.fromEntries(names.map(name => [name, ofRun[name]])), ...own };
}

/** What these flags of a run say, by option; default: all of them. Other flags are left out. */
export function runOptions(
  values: ParsedArguments,
  names: readonly string[] = Object.keys(runFlags),
): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const name of names) {
    const { key, read } = runFlags[name];
    const value = values[name];
    if (value !== undefined) options[key] = typeof value === 'string' && read ? read(value) : value;
  }
  return options;
}

export type LogMode = 'pretty' | 'json' | 'quiet';

export interface ParsedFlags {
  readonly action: 'train' | 'find-lr' | 'list-devices' | 'help' | 'help-all' | 'version';
  readonly options: TrainOptions;
  readonly log: LogMode;
  /** Seconds that a SIGTERM leaves for the step and the saving. */
  readonly grace: number;
  /** Whether the training has a process of its own. */
  readonly isolate: boolean;
  readonly debug: boolean;
}

/** As long as a timer can wait. */
const longestGrace = 2_147_483;

const isLogMode = (text: unknown): text is LogMode => ['pretty', 'json', 'quiet'].includes(String(text));

/** @throws ConfigError naming the flag, and the nearest one where it is unknown */
export function parseFlags(args: readonly string[]): ParsedFlags {
  const values = parseArguments(args, { ...runFlags, ...ownFlags });
  const options = runOptions(values);
  const { log = 'pretty' } = values;
  const grace = typeof values.grace === 'string' ? number(values.grace) : 25;
  if (!(grace >= 0 && grace <= longestGrace)) {
    throw new ConfigError(`--grace ${values.grace} is no number of seconds`, {
      where: '--grace',
      hint: `0 … ${longestGrace}`,
    });
  }
  if (!isLogMode(log)) {
    throw new ConfigError(`--log ${log} is not known`, { where: '--log', hint: 'pretty, json or quiet' });
  }
  const actions = ['help', 'help-all', 'version', 'list-devices', 'find-lr'] as const;
  const action = actions.find(name => values[name] === true) ?? 'train';
  const isolate = values.isolate === true;
  if (isolate && action === 'find-lr')
    throw new ConfigError('--isolate is for trainings', { where: '--isolate', hint: 'leave it out' });
  return { action, options: options as TrainOptions, log, grace, isolate, debug: values.debug === true };
}
