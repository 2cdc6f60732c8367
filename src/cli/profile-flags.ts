/** The flags of `profile loader`: those of a training that say what is loaded and what trains on it, and its own. */
import { extname } from 'node:path';
import { ConfigError } from '../errors.js';
import type { LoaderProfileOptions } from '../profile/profile-options.js';
import { dataFlags, type Flag, flagsWith, number, runOptions } from './flags.js';
import { flagSections } from './help.js';
import { parseArguments } from './parse-arguments.js';

/** Taken over from `train`, with description and default. */
const shared = [
  ...dataFlags,
  'batch-size',
  'cache',
  'seed',
  'model',
  'recipe',
  'options',
  'gpus',
  'engine',
  'precision',
] as const;

type Own = 'workers' | 'prefetch' | 'seconds' | 'no-device' | 'json' | 'chart' | 'debug' | 'help';

const own: Readonly<Record<Own, Flag>> = {
  workers: {
    group: 'Data',
    value: 'list',
    description: 'numbers of decode threads to measure, such as 0,1,2',
    default: '0, 1, 2, 4 … up to the cores',
    common: true,
  },
  prefetch: {
    group: 'Data',
    value: 'n',
    description: 'batches decoded ahead',
    default: '2',
    common: true,
  },
  seconds: {
    group: 'Other',
    value: 'x',
    description: 'of each measurement; half as much to warm up',
    default: '2',
    common: true,
  },
  'no-device': { group: 'Devices', description: 'measure the loader alone', common: true },
  json: { group: 'Output', value: 'file', description: 'write all figures there', common: true },
  chart: {
    group: 'Output',
    value: 'file',
    description: 'draw throughput by threads, .svg or .png',
    common: true,
  },
  debug: { group: 'Other', description: 'show the stack of an error', common: true },
  help: { group: 'Other', description: 'this page', common: true },
};

export interface ProfileFlags {
  readonly help: boolean;
  readonly options: LoaderProfileOptions;
  readonly json: string | undefined;
  readonly chart: string | undefined;
}

/** @throws ConfigError naming the flag, and the nearest one where it is unknown */
export function parseProfileFlags([what, ...rest]: readonly string[]): ProfileFlags {
  const isHelp = what === undefined || what === '--help' || what === '-h';
  if (!isHelp && what !== 'loader') {
    throw new ConfigError(`profile knows no ${what}`, {
      where: what,
      hint: 'such as: profile.js loader --data FOLDER',
    });
  }
  const values = parseArguments(rest, flagsWith(shared, own));
  // Its `workers` is a list, and no option of a run.
  const options = runOptions(values, shared);
  const { workers, prefetch, seconds, json, chart } = values as Readonly<Record<string, string | undefined>>;
  if (workers !== undefined) options.workers = workers.split(',').map(number);
  if (prefetch !== undefined) options.prefetch = number(prefetch);
  if (seconds !== undefined) options.seconds = number(seconds);
  if (values['no-device'] === true) options.device = false;
  if (chart !== undefined && !['.svg', '.png'].includes(extname(chart).toLowerCase())) {
    throw new ConfigError(`${chart} is no name for a picture`, {
      where: '--chart',
      hint: 'end it in .svg or .png',
    });
  }
  return { help: isHelp || values.help === true, options: options as LoaderProfileOptions, json, chart };
}

const examples = `Usage: node scripts/profile.js loader [options]

Measures how fast images are loaded and what the devices would take, and says which of them waits for the other.

Examples:
  node scripts/profile.js loader --data photos --image-size 224x224 --gpus all
  node scripts/profile.js loader --workers 1,2,4,8 --no-device --chart loader.svg`;

export function profileHelp(): string {
  return [examples, ...flagSections(Object.entries(flagsWith(shared, own))), 'Docs: docs/profiler.md'].join(
    '\n\n',
  );
}
