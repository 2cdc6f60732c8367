/**
 * Shared control words of one epoch being decoded into S slots. Batch b always goes to slot b mod S.
 *
 *     word 0            1           2         3                  4                  5            6               6 + S
 *     | NEXT_TICKET     | RELEASED  | STOPPED | DECODERS_WAITING | CONSUMER_AWAITS  | SLOT_WAIT  | REMAINING[S]  | SEQUENCE[S] |
 *
 *     NEXT_TICKET       chunk of samples to be taken next by any decoder
 *     RELEASED          batches the consumer is done with: batch b may be written while b < RELEASED + S
 *     STOPPED           1: take nothing more, write nothing more
 *     DECODERS_WAITING  decoders that wait for a release
 *     CONSUMER_AWAITS   b + 1 while the consumer waits for batch b, 0 while it does not wait
 *     SLOT_WAIT         time that decoders waited for a release, summed over them, in units of 0.1 ms
 *     REMAINING[s]      samples of the slot's batch that are not written yet
 *     SEQUENCE[s]       b + 1 once batch b is complete in the slot
 *
 * SEQUENCE, and not REMAINING = 0, tells that a batch is there: a zero says nothing of which batch it is about.
 *
 * Messages only wake those who sleep, and none is sent to one who does not: whoever is about to sleep says so in its
 * word and then looks once more, whoever changes something does so and then looks at the word. All accesses are
 * sequentially consistent, so at least one of the two sees the other.
 */
const NEXT_TICKET = 0;
const RELEASED = 1;
const STOPPED = 2;
const DECODERS_WAITING = 3;
const CONSUMER_AWAITS = 4;
const SLOT_WAIT = 5;
/** Words before the per-slot ones. */
const FIXED = 6;

/** SLOT_WAIT counts these, so that a word holds days. */
const WAIT_UNIT_MS = 0.1;

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

  /**
   * Words for what is left of an epoch whose decoders have all ended: the batches that are complete stay so, all after
   * them are to be written anew.
   *
   * @param chunks of a full batch, by which tickets count
   */
  static continued(old: FillControl, starts: Uint32Array, chunks: number): FillControl {
    const { slots, released, firstIncomplete } = old;
    const control = new FillControl(new Int32Array(new SharedArrayBuffer(4 * (FIXED + 2 * slots))));
    const { words } = control;
    words[NEXT_TICKET] = firstIncomplete * chunks;
    words[RELEASED] = released;
    words[SLOT_WAIT] = Atomics.load(old.words, SLOT_WAIT);
    for (let batch = released; batch < firstIncomplete; batch++) control.#publish(batch);
    for (let batch = firstIncomplete; batch < released + slots; batch++) control.#expect(batch, starts);
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

  /** Chunks that decoders have taken. */
  get ticketsTaken(): number {
    return Atomics.load(this.words, NEXT_TICKET);
  }

  /** Decoders: whether `batch` may be written. */
  isFree(batch: number): boolean {
    // Acquires what the consumer stored before it released the slot: REMAINING for this batch.
    return batch < Atomics.load(this.words, RELEASED) + this.slots;
  }

  /** Decoders: `count` more samples of `batch` are written. True for the last ones: the batch is now published. */
  samplesWritten(batch: number, count: number): boolean {
    const slot = batch % this.slots;
    // Read-modify-write, because it also acquires the other decoders' pixels for the one who publishes.
    if (Atomics.sub(this.words, FIXED + slot, count) !== count) return false;
    // Last, because whoever reads this number may read the whole slot.
    this.#publish(batch);
    return true;
  }

  /** Decoders: whether the consumer sleeps until `batch` is there. To be asked after it is published. */
  isAwaited(batch: number): boolean {
    return Atomics.load(this.words, CONSUMER_AWAITS) === batch + 1;
  }

  /** Decoders: one of them is about to sleep until a release; it must look once more before it does. */
  decoderSleeps(): void {
    Atomics.add(this.words, DECODERS_WAITING, 1);
  }

  /** Decoders: one of them is awake again, after `ms` milliseconds. */
  decoderWoke(ms: number): void {
    Atomics.sub(this.words, DECODERS_WAITING, 1);
    Atomics.add(this.words, SLOT_WAIT, Math.round(ms / WAIT_UNIT_MS));
  }

  /** Consumer: whether `batch` is complete. */
  isReady(batch: number): boolean {
    // Acquires the pixels: pairs with the store in samplesWritten.
    return Atomics.load(this.words, FIXED + this.slots + (batch % this.slots)) === batch + 1;
  }

  /** Consumer: about to sleep until `batch` is there; it must look once more before it does. */
  consumerSleeps(batch: number): void {
    Atomics.store(this.words, CONSUMER_AWAITS, batch + 1);
  }

  consumerWoke(): void {
    Atomics.store(this.words, CONSUMER_AWAITS, 0);
  }

  /** Consumer: done with `batch`; its slot is free for the batch one round later. True: decoders sleep until then. */
  release(batch: number, starts: Uint32Array): boolean {
    this.#expect(batch + this.slots, starts);
    // After REMAINING, because a decoder may count it down from the moment it sees this.
    Atomics.store(this.words, RELEASED, batch + 1);
    return Atomics.load(this.words, DECODERS_WAITING) > 0;
  }

  stop(): void {
    Atomics.store(this.words, STOPPED, 1);
  }

  get stopped(): boolean {
    return Atomics.load(this.words, STOPPED) === 1;
  }

  /** Batches the consumer is done with. */
  get released(): number {
    return Atomics.load(this.words, RELEASED);
  }

  /** Batches complete and not yet released: 0 … slots. */
  get filled(): number {
    const { released } = this;
    let filled = 0;
    while (filled < this.slots && this.isReady(released + filled)) filled++;
    return filled;
  }

  /** The batch that is to be completed next. */
  get firstIncomplete(): number {
    return this.released + this.filled;
  }

  /** Milliseconds that decoders waited for a free slot, summed over them. */
  get slotWaitMs(): number {
    return (Atomics.load(this.words, SLOT_WAIT) >>> 0) * WAIT_UNIT_MS;
  }

  #publish(batch: number): void {
    Atomics.store(this.words, FIXED + this.slots + (batch % this.slots), batch + 1);
  }

  #expect(batch: number, starts: Uint32Array): void {
    if (batch >= starts.length - 1) return;
    Atomics.store(this.words, FIXED + (batch % this.slots), starts[batch + 1] - starts[batch]);
  }
}
