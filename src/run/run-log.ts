import { join } from 'node:path';
import { destination, pino } from 'pino';
import type { RunFolder } from './run-folder.js';

/** A logger as pino's: any of its children will do. */
export interface Logger {
  info(record: object, message: string): void;
  warn(record: object, message: string): void;
  error(record: object, message: string): void;
}

/** The log of one run. */
export interface RunLog extends Logger {
  /** Closes the file. */
  close(): void;
}

/** Logs to `log.jsonl` of the run folder, if there is one, and to the caller's logger, if there is one. */
export function runLog(folder: RunFolder | undefined, logger: Logger | undefined): RunLog {
  const targets: Logger[] = logger ? [logger] : [];
  const file = folder && destination({ dest: join(folder.path, 'log.jsonl'), sync: true });
  if (file) targets.push(pino(file));
  const toAll = (level: keyof Logger) => (record: object, message: string) => {
    for (const target of targets) target[level](record, message);
  };
  return { info: toAll('info'), warn: toAll('warn'), error: toAll('error'), close: () => file?.end() };
}
