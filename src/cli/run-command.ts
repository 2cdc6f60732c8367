/** What the smaller commands share: signals, errors and exit codes. */
import { exitCodeOf } from './exit-codes.js';
import { listenForInterrupts } from './interrupt.js';
import { describeError } from './report-error.js';

export const out = (text: string): void => void process.stdout.write(`${text}\n`);
export const err = (text: string): void => void process.stderr.write(`${text}\n`);

export interface Command {
  /** What the first Ctrl-C does, for people. */
  readonly stopping: string;
  /** @returns the exit code */
  run(signal: AbortSignal): Promise<number>;
}

/** Runs a command; the process's exit code says how it went. */
export async function runCommand(args: readonly string[], { stopping, run }: Command): Promise<void> {
  // Whoever read us (`| head -1`) has enough.
  process.stdout.on('error', error => process.exit('code' in error && error.code === 'EPIPE' ? 0 : 1));
  const interrupts = listenForInterrupts({ say: err, stopping, again: 'stops now' });
  try {
    process.exitCode = await run(interrupts.signal);
  } catch (error) {
    process.exitCode = interrupts.exitCode ?? exitCodeOf(error);
    const color = Boolean(process.stderr.isTTY) && !process.env.NO_COLOR;
    if (interrupts.exitCode === undefined) {
      err(describeError(error, { debug: args.includes('--debug'), color }));
    }
  } finally {
    interrupts.close();
  }
}
