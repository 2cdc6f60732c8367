/** Milliseconds that work may hold a thread before its event loop has to turn. */
const SLICE_MS = 4;

/**
 * When work that waits for nothing has to let its event loop turn: on the calling thread for whatever else the
 * program does, in a decode thread for the other epochs it serves and for the finalisers of native buffers.
 */
export class TimeSlice {
  #end = performance.now() + SLICE_MS;

  get isOver(): boolean {
    return performance.now() >= this.#end;
  }

  /** To be called when the event loop has turned. */
  restart(): void {
    this.#end = performance.now() + SLICE_MS;
  }
}
