import type { RunWarning } from '../protocol/warning.js';
import { type Logger, loggedError } from './run-log.js';

/** What stays as it is once it was found: people are told of it once, however often it is met. */
const lasting: ReadonlySet<string> = new Set([
  'W_STALL',
  'W_DATA_WAIT',
  'W_SLOW_REPLICA',
  'W_CHECKPOINT_TIME',
  'W_MEMORY',
  'W_LIBUV_THREADS',
  'W_CACHE',
]);

/** Of what happens again and again people are told so often; after that it is for the log. */
const mostTold = 5;

const causeOf = ({ code, replica, phase }: RunWarning): string =>
  lasting.has(code) ? [code, replica, phase].join(' ') : code;

/**
 * Where the warnings of a run go: all of them to the log, and to the caller those that say something new. Warnings come
 * from timers and messages of threads, where nobody could catch what a listener throws: that goes to the log.
 */
export function warningsTo(
  log: Logger,
  listener: ((warning: RunWarning) => void) | undefined,
): (warning: RunWarning) => void {
  const told = new Map<string, number>();
  return warning => {
    log.warn({ event: 'warning', ...warning }, warning.message);
    const cause = causeOf(warning);
    const count = (told.get(cause) ?? 0) + 1;
    told.set(cause, count);
    if (count > (lasting.has(warning.code) ? 1 : mostTold)) return;
    try {
      listener?.(warning);
    } catch (error) {
      log.error({ event: 'listener', ...loggedError(error) }, 'a listener to warnings threw');
    }
  };
}
