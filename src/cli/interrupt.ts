import { exitCodes } from './exit-codes.js';

interface Options {
  readonly say: (line: string) => void;
  /** After SIGTERM, how long the step and the saving may take, in ms. Default 25 000. */
  readonly graceMs?: number;
  /** How long the command may take to end once `abortSignal` has come, before the process is ended; in ms. Default 0. */
  readonly closeMs?: number;
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
  /** The first signal: end in order. */
  readonly signal: AbortSignal;
  /** The second, or the end of the grace period: end at once. */
  readonly abortSignal: AbortSignal;
  /** The exit code of the signal that came, if one came. */
  readonly exitCode: number | undefined;
  /** Stops listening. */
  close(): void;
}

/**
 * Signals, for the command line only. The first Ctrl-C or SIGTERM ends the run after the step, and the model is
 * saved; a second one, or the end of the grace period, ends it at once; a third ends the process as it stands.
 */
export function listenForInterrupts({
  say,
  graceMs = 25_000,
  closeMs = 0,
  stopping = 'stopping after this step and saving',
  again = 'stops now, without saving',
}: Options): Interrupts {
  const stop = new AbortController();
  const abort = new AbortController();
  let code: number | undefined;
  const endAtOnce = (exitCode: number): void => {
    if (closeMs === 0 || abort.signal.aborted) endNow(exitCode);
    code = exitCode;
    abort.abort();
    setTimeout(() => endNow(exitCode), closeMs).unref();
  };
  const handle = (exitCode: number, text: string): void => {
    if (code !== undefined) {
      endAtOnce(exitCode);
      return;
    }
    code = exitCode;
    say(text);
    stop.abort();
  };
  const onInterrupt = (): void => handle(exitCodes.interrupted, `${stopping}; Ctrl-C again ${again}`);
  const onTerminate = (): void => {
    const isFirst = code === undefined;
    handle(exitCodes.terminated, `SIGTERM: ${stopping}`);
    if (isFirst) setTimeout(() => endAtOnce(exitCodes.terminated), graceMs).unref();
  };
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onTerminate);
  return {
    signal: stop.signal,
    abortSignal: abort.signal,
    get exitCode() {
      return code;
    },
    close() {
      process.off('SIGINT', onInterrupt);
      process.off('SIGTERM', onTerminate);
    },
  };
}
