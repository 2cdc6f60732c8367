/**
 * How long work that waits for nothing may hold a thread before the event loop has to turn: on the calling thread for
 * whatever else the program does, in a decode thread for the other epochs it serves and for the finalisers of native
 * buffers. One count for all who work in a thread, or several of them, taking turns, would hold it together.
 */
import { setImmediate as turn } from 'node:timers/promises';

const SLICE_MS = 4;

let end = 0;

/** Whether this thread's event loop is due: then whoever asks awaits `nextSlice`. */
export const sliceIsOver = (): boolean => performance.now() >= end;

/** Settles when the event loop has turned. */
export async function nextSlice(): Promise<void> {
  await turn();
  end = performance.now() + SLICE_MS;
}
