import { join } from 'node:path';
import { destination, pino } from 'pino';
import type { RunFolder } from './run-folder.js';

/** A logger as pino's: any of its children will do. */
export interface Logger {
  info(record: object, message: string): void;
  warn(record: object, message: string): void;
  error(record: object, message: string): void;
}

/** Logs to `log.jsonl` of the run folder, if there is one, and to the caller's logger, if there is one. */
export function runLog(folder: RunFolder | undefined, logger: Logger | undefined): Logger {
  const targets: Logger[] = logger ? [logger] : [];
  if (folder) targets.push(pino(destination({ dest: join(folder.path, 'log.jsonl'), sync: true })));
  const toAll = (level: keyof Logger) => (record: object, message: string) => {
    for (const target of targets) target[level](record, message);
  };
  return { info: toAll('info'), warn: toAll('warn'), error: toAll('error') };
}
