/** The command line of `bench`: the flags that all benches share, and each one's own, read and checked. */
import { parseArgs } from 'node:util';
import { ConfigError } from '../src/errors.js';
import { nearest } from '../src/nearest.js';

export interface Flag<T> {
  /** What stands for the value in the listing; absent for a switch. */
  readonly value?: string;
  readonly description: string;
  readonly default: T;
  /** @throws ConfigError when the text is no such value */
  read(text: string, name: string): T;
}

export type Flags = Readonly<Record<string, Flag<unknown>>>;

export type ValuesOf<F extends Flags> = {
  readonly [Name in keyof F]: F[Name] extends Flag<infer T> ? T : never;
};

function positiveInteger(text: string, name: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new ConfigError(`--${name} takes whole numbers above 0, not '${text}'`, {
    where: `--${name}`,
    hint: 'npm run bench lists every option with its default',
  });
}

/** A whole number above 0. */
export const count = (standard: number, description: string): Flag<number> => ({
  value: 'n',
  description,
  default: standard,
  read: positiveInteger,
});

/** Whole numbers above 0, separated by commas. */
export const counts = (standard: readonly number[], description: string): Flag<readonly number[]> => ({
  value: 'n,…',
  description,
  default: standard,
  read: (text, name) => text.split(',').map(part => positiveInteger(part, name)),
});

/** Any text. */
export const text = (value: string, standard: string, description: string): Flag<string> => ({
  value,
  description,
  default: standard,
  read: given => given,
});

/** One of a few words. */
export const choice = <const T extends string>(
  words: readonly T[],
  standard: NoInfer<T>,
  description: string,
): Flag<T> => ({
  value: words.join('|'),
  description,
  default: standard,
  read(text, name) {
    const word = words.find(known => known === text);
    if (word !== undefined) return word;
    throw new ConfigError(`--${name} takes ${words.join(' or ')}, not '${text}'`, { where: `--${name}` });
  },
});

/** Off unless given. */
export const toggle = (description: string): Flag<boolean> => ({
  description,
  default: false,
  read: () => true,
});

/**
 * Reads `args` by `flags`.
 *
 * @throws ConfigError naming the option that is unknown, lacks its value, or has a wrong one
 */
export function parseFlags<F extends Flags>(
  args: readonly string[],
  flags: F,
): { values: ValuesOf<F>; positionals: string[] } {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { value }]) => {
      return [name, { type: value === undefined ? ('boolean' as const) : ('string' as const) }];
    }),
  );
  try {
    const given = parseArgs({ args: [...args], options, strict: true, allowPositionals: true });
    const values = Object.entries(flags).map(([name, flag]) => {
      const value = given.values[name];
      return [name, value === undefined ? flag.default : flag.read(String(value), name)] as const;
    });
    return { values: Object.fromEntries(values) as ValuesOf<F>, positionals: given.positionals };
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw usageError(cause as Error, args, Object.keys(flags));
  }
}

function usageError(cause: Error, args: readonly string[], names: readonly string[]): ConfigError {
  const unknown = args
    .filter(arg => arg.startsWith('--'))
    .map(arg => arg.slice(2).split('=')[0])
    .find(name => !names.includes(name));
  if (unknown === undefined) return new ConfigError(cause.message, { hint: 'see npm run bench', cause });
  const meant = nearest(unknown, names);
  return new ConfigError(`there is no option --${unknown} here`, {
    where: `--${unknown}`,
    hint: meant === undefined ? 'npm run bench lists every option' : `did you mean --${meant}?`,
  });
}

/** A line for each flag: its name, its value and its default. */
export function describeFlags(flags: Flags, indent: string): string[] {
  return Object.entries(flags).map(([name, { value, description, default: standard }]) => {
    const left = `--${name}${value === undefined ? '' : ` <${value}>`}`;
    const shown = value === undefined || standard === '' ? '' : ` [${String(standard)}]`;
    return `${indent}${left.padEnd(26)}${description}${shown}`;
  });
}
