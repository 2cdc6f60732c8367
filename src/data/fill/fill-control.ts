/**
 * Shared control words of one epoch being decoded into S slots. Batch b always goes to slot b mod S.
 *
 *     word 0            1           2         3               3 + S            3 + 2S
 *     | NEXT_TICKET     | RELEASED  | STOPPED | REMAINING[S]  | SEQUENCE[S]    |
 *
 *     NEXT_TICKET   chunk of samples to be taken next by any decoder
 *     RELEASED      batches the consumer is done with: batch b may be written while b < RELEASED + S
 *     STOPPED       1: take nothing more, write nothing more
 *     REMAINING[s]  samples of the slot's batch that are not written yet
 *     SEQUENCE[s]   b + 1 once batch b is complete in the slot
 *
 * SEQUENCE, and not REMAINING = 0, tells that a batch is there: a zero says nothing of which batch it is about.
 */
const NEXT_TICKET = 0;
const RELEASED = 1;
const STOPPED = 2;
/** Words before the per-slot ones. */
const FIXED = 3;

/** One epoch's words, seen from either side. */
export class FillControl {
  readonly words: Int32Array;
  readonly slots: number;

  private constructor(words: Int32Array) {
    this.words = words;
    this.slots = (words.length - FIXED) / 2;
  }

  /** Words for an epoch of batches that begin at `starts`; their last element is the end of the last one. */
  static create(slots: number, starts: Uint32Array): FillControl {
    const control = new FillControl(new Int32Array(new SharedArrayBuffer(4 * (FIXED + 2 * slots))));
    for (let batch = 0; batch < slots; batch++) control.#expect(batch, starts);
    return control;
  }

  /** The other side's view of the same words. */
  static attach(words: Int32Array): FillControl {
    return new FillControl(words);
  }

  /** Decoders: the number of a chunk nobody else has. */
  takeTicket(): number {
    // Atomic, because two decoders with one ticket would write a chunk twice and another never.
    return Atomics.add(this.words, NEXT_TICKET, 1);
  }

  /** Decoders: whether `batch` may be written. */
  isFree(batch: number): boolean {
    // Acquires what the consumer stored before it released the slot: REMAINING for this batch.
    return batch < Atomics.load(this.words, RELEASED) + this.slots;
  }

  /** Decoders: one sample of `batch` is written. True for the last one: the batch is now published. */
  sampleWritten(batch: number): boolean {
    const slot = batch % this.slots;
    // Read-modify-write, because it also acquires the other decoders' pixels for the one who publishes.
    if (Atomics.sub(this.words, FIXED + slot, 1) !== 1) return false;
    // Last, because whoever reads this number may read the whole slot.
    Atomics.store(this.words, FIXED + this.slots + slot, batch + 1);
    return true;
  }

  /** Consumer: whether `batch` is complete. */
  isReady(batch: number): boolean {
    // Acquires the pixels: pairs with the store in sampleWritten.
    return Atomics.load(this.words, FIXED + this.slots + (batch % this.slots)) === batch + 1;
  }

  /** Consumer: done with `batch`; its slot is free for the batch one round later. */
  release(batch: number, starts: Uint32Array): void {
    this.#expect(batch + this.slots, starts);
    // After REMAINING, because a decoder may count it down from the moment it sees this.
    Atomics.store(this.words, RELEASED, batch + 1);
  }

  stop(): void {
    Atomics.store(this.words, STOPPED, 1);
  }

  get stopped(): boolean {
    return Atomics.load(this.words, STOPPED) === 1;
  }

  /** Batches complete and not yet released: 0 … slots. */
  get filled(): number {
    const released = Atomics.load(this.words, RELEASED);
    let filled = 0;
    while (filled < this.slots && this.isReady(released + filled)) filled++;
    return filled;
  }

  #expect(batch: number, starts: Uint32Array): void {
    if (batch >= starts.length - 1) return;
    Atomics.store(this.words, FIXED + (batch % this.slots), starts[batch + 1] - starts[batch]);
  }
}
