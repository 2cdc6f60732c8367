import { exitCodeMeanings, exitCodes } from './exit-codes.js';
import { allFlags, type Flag, type FlagGroup } from './flags.js';

const examples = `Usage: node scripts/train.js [options]

Examples:
  node scripts/train.js --gpus 3                                the bundled Fashion-MNIST sample on three devices
  node scripts/train.js --data photos --image-size 64x64        a folder of class folders
  node scripts/train.js --recipe my-model.mjs --data photos     a model of your own
  node scripts/train.js --dry-run                               two steps: finds most mistakes in seconds`;

const columns = 34;

/** A paragraph for each group of flags, in their order. */
export function flagSections(flags: readonly (readonly [name: string, flag: Flag])[]): string[] {
  const groups = [...new Set(flags.map(([, flag]) => flag.group))];
  return groups.map((group: FlagGroup) => {
    const lines = flags
      .filter(([, flag]) => flag.group === group)
      .map(([name, flag]) => flagLine(name, flag));
    return [group, ...lines].join('\n');
  });
}

/** One flag: how it is written, what it does, its default. */
function flagLine(name: string, { value, description, default: standard }: Flag): string {
  const left = `  --${name}${value === undefined ? '' : ` <${value}>`}`;
  const right = `${description}${standard === undefined ? '' : ` [${standard}]`}`;
  return left.length < columns
    ? `${left.padEnd(columns)}${right}`
    : `${left}\n${' '.repeat(columns)}${right}`;
}

/** @param all every flag and the exit codes, not only the common ones */
export function help(all: boolean): string {
  const flags = Object.entries(allFlags()).filter(([, flag]) => all || flag.common);
  const codes = Object.entries(exitCodes).map(([name, code]) => {
    return `  ${String(code).padStart(3)}  ${exitCodeMeanings[name as keyof typeof exitCodes]}`;
  });
  return [
    examples,
    ...flagSections(flags),
    ...(all ? [['Exit codes', ...codes].join('\n')] : []),
    all ? 'More: README.md, docs/' : 'More options: --help-all     Docs: README.md, docs/',
  ].join('\n\n');
}
