import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { RunFolderError } from './errors.js';

/** Writes under a temporary name and renames, so that the file is never seen half written. @throws RunFolderError */
export function writeAtomically(path: string, content: string | Uint8Array): void {
  const temporary = `${path}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(temporary, content, { flush: true });
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw fileError('written', path, cause);
  }
}

export function fileError(done: string, path: string, cause: unknown): RunFolderError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new RunFolderError(`${path} cannot be ${done}: ${reason}`, {
    where: path,
    hint: 'check permissions and free space, or name another folder',
    cause,
  });
}
