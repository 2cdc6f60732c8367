/** The flags of `pack`: those of a training that say what is opened, and its own. */
import type { OpenDataOptions } from '../data/open-dataset.js';
import type { PackPairOptions } from '../data/pack-pair.js';
import { ConfigError } from '../errors.js';
import { dataFlags, type Flag, flagsWith, runOptions } from './flags.js';
import { flagSections } from './help.js';
import { parseArguments } from './parse-arguments.js';

/** Taken over from `train`, with description and default. */
const shared = [...dataFlags, 'seed', 'workers'] as const;

type Own = 'out' | 'encoding' | 'source' | 'licence' | 'force' | 'quiet' | 'debug' | 'help';

const own: Readonly<Record<Own, Flag>> = {
  out: {
    group: 'Output',
    value: 'folder',
    description: 'gets train.pack and valid.pack; give it to --data from then on',
    common: true,
  },
  encoding: {
    group: 'Output',
    value: 'image|raw',
    description: 'copy the image files as they are, or store decoded pixels',
    default: 'image where there are files',
    common: true,
  },
  source: {
    group: 'Output',
    value: 'text',
    description: 'what the data are, for those who find the packs',
    default: 'what was opened',
    common: true,
  },
  licence: {
    group: 'Output',
    value: 'text',
    description: 'under which they may be used',
    default: 'not stated',
    common: true,
  },
  force: { group: 'Output', description: 'replace packs that are there already', common: true },
  quiet: { group: 'Other', description: 'print nothing but errors', common: true },
  debug: { group: 'Other', description: 'show the stack of an error', common: true },
  help: { group: 'Other', description: 'this page', common: true },
};

export interface PackFlags {
  readonly help: boolean;
  readonly quiet: boolean;
  readonly data: string;
  readonly out: string;
  readonly open: OpenDataOptions;
  readonly pack: PackPairOptions;
}

/** @throws ConfigError naming the flag, and the nearest one where it is unknown */
export function parsePackFlags(args: readonly string[]): PackFlags {
  const values = parseArguments(args, flagsWith(shared, own));
  const { data = '', workers: numWorkers, ...open } = runOptions(values, shared);
  const { out = '', encoding, source, licence } = values as Readonly<Record<string, string | undefined>>;
  const help = values.help === true;
  if (!help) expectGiven('--data', String(data), 'sample');
  if (!help) expectGiven('--out', out, 'packed');
  if (encoding !== undefined && encoding !== 'image' && encoding !== 'raw') {
    throw new ConfigError(`--encoding ${encoding} is not known`, {
      where: '--encoding',
      hint: 'image or raw',
    });
  }
  const pack = { encoding, source, licence, numWorkers, force: values.force === true } as PackPairOptions;
  return { help, quiet: values.quiet === true, data: String(data), out, open, pack };
}

function expectGiven(flag: string, value: string, example: string): void {
  if (value !== '') return;
  throw new ConfigError(`${flag} is missing`, {
    where: flag,
    hint: `such as ${flag} ${example}; see --help`,
  });
}

const examples = `Usage: node scripts/pack.js --data <name|folder|file> --out <folder> [options]

Writes a dataset into two files, which open at once and are read faster than many small ones.

Examples:
  node scripts/pack.js --data photos --out packed                     the image files as they are
  node scripts/pack.js --data photos --out packed --encoding raw --image-size 64x64    pixels, decoded once
  node scripts/train.js --data packed                                 and then`;

export function packHelp(): string {
  return [examples, ...flagSections(Object.entries(flagsWith(shared, own))), 'Docs: docs/data.md'].join(
    '\n\n',
  );
}
