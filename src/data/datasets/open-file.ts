import { openSync } from 'node:fs';
import { DatasetError } from '../../errors.js';

/** A descriptor for reading. @throws DatasetError */
export function openFile(file: string): number {
  try {
    return openSync(file, 'r');
  } catch (cause) {
    throw new DatasetError(`cannot open ${file}: ${(cause as Error).message}`, {
      where: file,
      hint: 'check the path and its permissions',
      cause,
    });
  }
}
