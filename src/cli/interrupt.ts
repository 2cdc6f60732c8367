import { exitCodes } from './exit-codes.js';

interface Options {
  readonly say: (line: string) => void;
  /** After SIGTERM, how long the step and the saving may take, in ms. */
  readonly graceMs?: number;
  /** What the first signal does, for people. Default: of a training. */
  readonly stopping?: string;
  /** What a second Ctrl-C does. */
  readonly again?: string;
}

/** Ends the process as it stands, with the cursor that a progress bar may have hidden. */
function endNow(code: number): never {
  if (process.stderr.isTTY) process.stderr.write('\x1b[?25h');
  process.exit(code);
}

export interface Interrupts {
  readonly signal: AbortSignal;
  /** The exit code of the signal that came, if one came. */
  readonly exitCode: number | undefined;
  /** Stops listening. */
  close(): void;
}

/**
 * Signals, for the command line only. The first Ctrl-C or SIGTERM ends the run after the step, and the model is
 * saved; a second one, or the end of the grace period, ends the process at once.
 */
export function listenForInterrupts({
  say,
  graceMs = 25_000,
  stopping = 'stopping after this step and saving',
  again = 'stops now, without saving',
}: Options): Interrupts {
  const controller = new AbortController();
  let code: number | undefined;
  const handle = (exitCode: number, text: string): void => {
    if (code !== undefined) endNow(exitCode);
    code = exitCode;
    say(text);
    controller.abort();
  };
  const onInterrupt = (): void => handle(exitCodes.interrupted, `${stopping}; Ctrl-C again ${again}`);
  const onTerminate = (): void => {
    handle(exitCodes.terminated, `SIGTERM: ${stopping}`);
    setTimeout(() => endNow(exitCodes.terminated), graceMs).unref();
  };
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onTerminate);
  return {
    signal: controller.signal,
    get exitCode() {
      return code;
    },
    close() {
      process.off('SIGINT', onInterrupt);
      process.off('SIGTERM', onTerminate);
    },
  };
}
