import { styleText } from 'node:util';
import { GradringError } from '../errors.js';
import { flagOf } from './flags.js';

const paint = (color: boolean, format: Parameters<typeof styleText>[0], text: string): string =>
  color ? styleText(format, text) : text;

/** An error in three lines for people: what, where, what to do. The stack only with `debug`. */
export function describeError(error: unknown, { debug, color }: { debug: boolean; color: boolean }): string {
  if (!(error instanceof GradringError)) {
    const text =
      error instanceof Error ? (debug ? error.stack : `${error.name}: ${error.message}`) : String(error);
    const advice = debug
      ? ''
      : '\n  → this is not an error gradring expects: run again with --debug for its stack';
    return `${paint(color, 'red', '✖')} ${text}${advice}`;
  }
  const { code, message, where, hint } = error;
  const lines = [`${paint(color, 'red', '✖')} ${paint(color, 'bold', code)}  ${message}`];
  // The library names its options; people typed flags.
  if (where !== undefined) lines.push(`  from ${flagOf(where) ?? where}`);
  lines.push(
    `  → ${hint ?? 'run again with --debug for where it happened'}     docs/errors.md#${code.toLowerCase()}`,
  );
  if (debug) lines.push(...causes(error).map(cause => `\n${cause.stack}`));
  return lines.join('\n');
}

/** The error and what caused it, outermost first. */
function causes(error: Error): Error[] {
  const chain: Error[] = [];
  for (let next: unknown = error; next instanceof Error && chain.length < 8; next = next.cause)
    chain.push(next);
  return chain;
}
