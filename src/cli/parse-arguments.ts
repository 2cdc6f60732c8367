import { parseArgs } from 'node:util';
import { ConfigError } from '../errors.js';
import { nearest } from '../nearest.js';

/** A flag as the parser knows it: without `value` it is a switch. */
export interface ArgumentFlag {
  readonly value?: string;
}

export type ParsedArguments = Record<string, string | boolean | undefined>;

/** Reads `--name value` and `--name=value`. @throws ConfigError naming the flag, and the nearest one where it is unknown */
export function parseArguments(
  args: readonly string[],
  flags: Readonly<Record<string, ArgumentFlag>>,
): ParsedArguments {
  const types = Object.entries(flags).map(([name, { value }]) => {
    return [name, { type: value === undefined ? 'boolean' : 'string' }] as const;
  });
  try {
    const options = Object.fromEntries(types);
    return parseArgs({
      args: args.map(arg => (arg === '-h' ? '--help' : arg)),
      options,
      strict: true,
      allowPositionals: false,
    }).values;
  } catch (cause) {
    throw usageError(cause as Error, args, Object.keys(flags));
  }
}

function usageError(cause: Error, args: readonly string[], names: readonly string[]): ConfigError {
  const unknown = args.find(arg => arg.startsWith('--') && !names.includes(arg.slice(2).split('=')[0]));
  if ((cause as NodeJS.ErrnoException).code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION' || unknown === undefined) {
    return new ConfigError(cause.message, { hint: 'see --help', cause });
  }
  const name = unknown.slice(2).split('=')[0];
  const suggestion = nearest(name, names);
  return new ConfigError(`there is no option --${name}`, {
    where: unknown,
    hint:
      suggestion === undefined
        ? `see ${names.includes('help-all') ? '--help-all' : '--help'}`
        : `did you mean --${suggestion}?`,
  });
}
