/** Which samples decoders are at work on, for messages about decoders that do not answer any more. */
import { slotViews } from './batch-slots.js';
import { FillControl } from './fill-control.js';
import { chunksPerBatch, type FillJob } from './fill-slots.js';

/** Index of a sample that is not written yet. No dataset has as many rows. */
const UNWRITTEN = 0xffffffff;

/** Marks all samples of a slot as not written. To be called before decoders may write there. */
export function markUnwritten({ slots }: FillJob, batch: number): void {
  slotViews(slots.buffers[batch % slots.buffers.length], slots.layout).indices.fill(UNWRITTEN);
}

/**
 * Rows of the dataset that decoders have taken and not finished: of each chunk that was taken, the first. Decoders
 * write the samples of a chunk in order, so this is the one that a decoder hangs on, if it does.
 */
export function rowsUnderWay(job: FillJob): number[] {
  const { slots, starts, rows, chunk } = job;
  const control = FillControl.attach(job.control);
  const chunks = chunksPerBatch(job);
  const found: number[] = [];
  const { released, ticketsTaken } = control;
  const end = Math.min(released + control.slots, starts.length - 1);
  for (let batch = released; batch < end; batch++) {
    const { indices } = slotViews(slots.buffers[batch % control.slots], slots.layout);
    for (let part = 0; part < chunks && batch * chunks + part < ticketsTaken; part++) {
      const first = starts[batch] + part * chunk;
      const last = Math.min(first + chunk, starts[batch + 1]);
      for (let at = first; at < last; at++) {
        if (indices[at - starts[batch]] !== UNWRITTEN) continue;
        found.push(rows[at]);
        break;
      }
    }
  }
  return found;
}
