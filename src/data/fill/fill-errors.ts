/** Errors about the decoders of an epoch as a whole. */
import { LoaderError } from '../../errors.js';

/** @param underWay what decoders were at work on: files and rows */
export function threadDied(cause: unknown, underWay: readonly string[] = []): LoaderError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LoaderError(`a decode thread ended: ${reason}${listed(underWay)}`, {
    where: underWay[0] ?? 'decode pool',
    hint: 'if it ran out of memory, lower numWorkers or batchSize; if it is always the same file, leave that out',
    cause,
  });
}

/** @param batch which batch did not come, as `batch 3 of epoch 0` */
export function timedOut(batch: string, timeoutMs: number, underWay: readonly string[]): LoaderError {
  return new LoaderError(`${batch} did not come within ${timeoutMs / 1000} s${listed(underWay)}`, {
    where: underWay[0] ?? batch,
    hint: 'see whether this data can be read at all (a network that hangs?), or raise the timeout; 0 waits for ever',
  });
}

function listed(underWay: readonly string[]): string {
  return underWay.length === 0 ? '' : `; under way: ${underWay.join('; ')}`;
}
