/** Errors about the decoders of an epoch as a whole. */
import { LoaderError } from '../../errors.js';
import type { RunWarning } from '../../protocol/warning.js';

const AFTER_DEATH =
  'if it ran out of memory, lower numWorkers or batchSize; if it is always the same file, leave that out';

/** @param underWay what decoders were at work on: files and rows */
export function threadDied(cause: unknown, underWay: readonly string[] = []): LoaderError {
  return new LoaderError(`${ended(cause)}${listed(underWay)}`, {
    where: underWay[0] ?? 'decode pool',
    hint: AFTER_DEATH,
    cause,
  });
}

/** What is said of a thread that ended, where its work is done again. */
export function threadReplaced(cause: unknown, underWay: readonly string[]): RunWarning {
  return {
    code: 'W_DECODE_THREAD',
    message: `${ended(cause)}; it is replaced, and what is not complete is decoded again${listed(underWay)}`,
    hint: AFTER_DEATH,
  };
}

/** @param batch which batch did not come, as `batch 3 of epoch 0` */
export function timedOut(batch: string, timeoutMs: number, underWay: readonly string[]): LoaderError {
  return new LoaderError(`${batch} did not come within ${timeoutMs / 1000} s${listed(underWay)}`, {
    where: underWay[0] ?? batch,
    hint: 'see whether this data can be read at all (a network that hangs?), or raise the timeout; 0 waits for ever',
  });
}

function ended(cause: unknown): string {
  return `a decode thread ended: ${cause instanceof Error ? cause.message : String(cause)}`;
}

function listed(underWay: readonly string[]): string {
  return underWay.length === 0 ? '' : `; under way: ${underWay.join('; ')}`;
}
