/** The log of a run: JSON lines in its folder, and the caller's logger. */
import { appendFileSync, closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { errorToWire } from '../errors.js';
import type { RunFolder } from './run-folder.js';

type Write = (record: object, message: string) => void;

/** A logger as pino's: any of its children will do. */
export interface Logger {
  /** How far a run is, every ten seconds. */
  readonly debug?: Write;
  info(record: object, message: string): void;
  warn(record: object, message: string): void;
  error(record: object, message: string): void;
  /** Used where it is there, to put `run` into every record. */
  child?(bindings: { run: string }): Logger;
}

export interface RunLogOptions {
  /** Gets `log.jsonl`. */
  readonly folder?: RunFolder;
  /** The caller's. */
  readonly logger?: Logger;
  /** Stands in every record, as does the step where it is known. */
  readonly run: string;
  /** Optimizer steps done, once the fit is under way. */
  readonly step?: () => number | undefined;
  /** Told, once, that `log.jsonl` cannot be written. */
  readonly onFailure?: (error: unknown) => void;
}

/** The log of one run. No record that cannot be written is an error of the run. */
export interface RunLog extends Required<Omit<Logger, 'child'>> {
  /** Closes the file. */
  close(): void;
}

/** Logs to `log.jsonl` of the run folder, if there is one, and to the caller's logger, if there is one. */
export function runLog({ folder, logger, run, step = () => undefined, onFailure }: RunLogOptions): RunLog {
  const file = folder && logFile(join(folder.path, 'log.jsonl'), onFailure);
  const targets: Logger[] = [
    ...(logger ? [named(logger, run)] : []),
    ...(file ? [pino({ level: 'debug', serializers: { err: asItIs } }, file).child({ run }) as Logger] : []),
  ];
  const toAll =
    (level: Exclude<keyof Logger, 'child'>): Write =>
    (record, message) => {
      const known = { ...record, step: (record as { step?: number }).step ?? step() };
      for (const target of targets) {
        try {
          target[level]?.(known, message);
        } catch {
          // A logger that throws must not end the run, nor hide the error that it was to be told of.
        }
      }
    };
  return {
    debug: toAll('debug'),
    info: toAll('info'),
    warn: toAll('warn'),
    error: toAll('error'),
    close: () => file?.close(),
  };
}

/** Pino's own would fold the causes of an error into its message. */
const asItIs = (value: unknown): unknown => value;

/** An error for a record: plain, with all that caused it. */
export const loggedError = (error: unknown): { err: object } => ({ err: errorToWire(error) });

function named(logger: Logger, run: string): Logger {
  if (logger.child) return logger.child({ run });
  const withRun =
    (level: 'debug' | 'info' | 'warn' | 'error'): Write =>
    (record, message) =>
      logger[level]?.({ run, ...record }, message);
  return {
    debug: withRun('debug'),
    info: withRun('info'),
    warn: withRun('warn'),
    error: withRun('error'),
  };
}

/** Each record is written before the next statement runs, so that the last one of a crash is there. */
function logFile(
  path: string,
  onFailure: (error: unknown) => void = () => {},
): { write(line: string): void; close(): void } {
  let descriptor: number | undefined;
  let failed = false;
  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      // Tried again at the next record: a full disk may have been cleared.
      if (failed) return;
      failed = true;
      onFailure(error);
    }
  };
  return {
    write: line =>
      attempt(() => {
        descriptor ??= openSync(path, 'a');
        appendFileSync(descriptor, line);
      }),
    close: () =>
      attempt(() => {
        if (descriptor !== undefined) closeSync(descriptor);
        descriptor = undefined;
      }),
  };
}
