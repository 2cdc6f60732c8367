import type { BadSample } from '../data/bad-samples.js';
import type { RunWarning } from '../protocol/warning.js';
import type { RunFolder } from './run-folder.js';

/**
 * Notes down the samples that a run leaves out: a line each in `bad-samples.jsonl`, with the set, the row, the file and
 * the reason. A file that cannot be written is warned of, and ends nothing.
 */
export function badSampleList(
  folder: RunFolder | undefined,
  warn: (warning: RunWarning) => void,
): (set: 'train' | 'valid') => (sample: BadSample) => void {
  return set => sample => {
    try {
      folder?.append('bad-samples.jsonl', { set, ...sample });
    } catch (error) {
      warn({
        code: 'W_LOG',
        message: (error as Error).message,
        hint: 'look at the free space of its folder',
      });
    }
  };
}
