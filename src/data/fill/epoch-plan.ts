import { LoaderError } from '../../errors.js';
import type { IndexBatchSampler } from '../samplers/batch-sampler.js';

/** The rows an epoch visits, in shared memory for the decode threads. */
export interface EpochPlan {
  /** Rows of the dataset, batch after batch. */
  readonly rows: Uint32Array;
  /** Batch b is rows[starts[b] … starts[b + 1]); one element more than there are batches. */
  readonly starts: Uint32Array;
  /** Samples of the epoch that come before rows[0]. */
  readonly samplesBefore: number;
}

/**
 * @param first batch to begin with: those before it are not in the plan
 * @throws LoaderError where a batch sampler breaks its own word or names rows the dataset has not
 */
export function planEpoch(
  sampler: IndexBatchSampler,
  epoch: number,
  datasetLength: number,
  first = 0,
): EpochPlan {
  const all = [...sampler.batches(epoch)];
  if (all.length !== sampler.length) {
    throw samplerError(`gave ${all.length} batches, its length is ${sampler.length}`, epoch);
  }
  const batches = all.slice(first);
  const samplesBefore = all.slice(0, first).reduce((sum, { length }) => sum + length, 0);
  const starts = shared(batches.length + 1);
  for (const [batch, { length }] of batches.entries()) {
    if (length < 1 || length > sampler.batchSize) {
      throw samplerError(
        `gave batch ${batch} of ${length} rows, its batchSize is ${sampler.batchSize}`,
        epoch,
      );
    }
    starts[batch + 1] = starts[batch] + length;
  }
  const rows = shared(starts[batches.length]);
  for (const [batch, members] of batches.entries()) {
    for (let i = 0; i < members.length; i++) {
      const row = members[i];
      if (!Number.isInteger(row) || row < 0 || row >= datasetLength) {
        throw samplerError(`gave row ${row} in batch ${batch}, the dataset has ${datasetLength} rows`, epoch);
      }
      rows[starts[batch] + i] = row;
    }
  }
  return { rows, starts, samplesBefore };
}

function shared(length: number): Uint32Array {
  return new Uint32Array(new SharedArrayBuffer(length * Uint32Array.BYTES_PER_ELEMENT));
}

function samplerError(reason: string, epoch: number): LoaderError {
  return new LoaderError(`the sampler ${reason}`, {
    where: `epoch ${epoch}`,
    hint: 'a sampler gives `length` items each epoch, rows from 0 to the length of the dataset',
  });
}
