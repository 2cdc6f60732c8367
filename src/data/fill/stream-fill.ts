/** An epoch of samples that come one after the other, placed on the calling thread. */
import type { SlotRing } from '../../protocol/batch.js';
import type { Sample } from '../dataset.js';
import { type Described, placeSample } from '../samples/dataset-reader.js';
import { slotViews } from './batch-slots.js';
import { type EpochFill, settlesInTime } from './epoch-fill.js';
import { timedOut } from './fill-errors.js';
import { nextSlice, sliceIsOver } from './time-slice.js';
import { Wakeup } from './wakeup.js';

export interface StreamFillOptions {
  /** Its end is that of the epoch. What it throws ends the epoch with that error. */
  readonly samples: AsyncIterable<Sample>;
  readonly slots: SlotRing;
  readonly dataset: Described;
  /** Samples to pass over before the first batch. */
  readonly skip: number;
  /** Whether a last batch that is not full is left out. */
  readonly dropLast: boolean;
  /** Milliseconds that a batch is waited for; 0: for ever. */
  readonly timeoutMs: number;
  /** What a batch is called in messages. */
  readonly nameOf: (batch: number) => string;
}

export class StreamFill implements EpochFill {
  readonly #options: StreamFillOptions;
  readonly #views;
  readonly #settled: Promise<void>;
  /** Wakes the consumer, and the one who places samples. */
  readonly #published = new Wakeup();
  readonly #released = new Wakeup();
  /** Samples of each complete batch that is not yet released, from batch `#firstHeld`. */
  readonly #sizes: number[] = [];
  #firstHeld = 0;
  #ended = false;
  #stopped = false;
  #isHung = false;
  #failure: Error | undefined;
  #slotWaitMs = 0;

  constructor(options: StreamFillOptions) {
    this.#options = options;
    const { buffers, layout } = options.slots;
    this.#views = buffers.map(buffer => slotViews(buffer, layout));
    this.#settled = this.#placeAll().catch(error => this.fail(error));
  }

  get filled(): number {
    return this.#sizes.length;
  }

  get slotWaitMs(): number {
    return this.#slotWaitMs;
  }

  async ready(batch: number): Promise<number> {
    if (sliceIsOver()) await nextSlice();
    if (this.#failure === undefined && (this.sizeOf(batch) > 0 || this.#ended)) return 0;
    const began = performance.now();
    const { timeoutMs, nameOf } = this.#options;
    const giveUp = (): void => {
      this.#isHung = true;
      this.fail(timedOut(nameOf(batch), timeoutMs, []));
    };
    const timer = timeoutMs > 0 ? setTimeout(giveUp, timeoutMs) : undefined;
    while (this.#failure === undefined && this.sizeOf(batch) === 0 && !this.#ended)
      await this.#published.next();
    clearTimeout(timer);
    if (this.#failure !== undefined) throw this.#failure;
    return performance.now() - began;
  }

  sizeOf(batch: number): number {
    return this.#sizes[batch - this.#firstHeld] ?? 0;
  }

  release(_batch: number): void {
    this.#sizes.shift();
    this.#firstHeld++;
    this.#released.wake();
  }

  fail(error: Error): void {
    this.#failure ??= error;
    this.#stopped = true;
    this.#released.wake();
    this.#published.wake();
  }

  stop(): Promise<boolean> {
    this.#stopped = true;
    this.#released.wake();
    return settlesInTime(this.#settled, this.#isHung);
  }

  async #placeAll(): Promise<void> {
    const { samples, skip, dropLast, slots } = this.#options;
    let position = 0;
    let size = 0;
    // However the loop is left, for-await lets the stream clean up after itself.
    for await (const sample of samples) {
      if (this.#stopped) return;
      if (sliceIsOver()) await nextSlice();
      if (position++ < skip) continue;
      if (size === 0) await this.#untilFree();
      if (this.#stopped) return;
      this.#place(sample, size++);
      if (size < slots.layout.capacity) continue;
      this.#publish(size);
      size = 0;
    }
    if (size > 0 && !dropLast) this.#publish(size);
    this.#ended = true;
    this.#published.wake();
  }

  async #untilFree(): Promise<void> {
    const began = performance.now();
    while (this.#sizes.length >= this.#views.length && !this.#stopped) await this.#released.next();
    this.#slotWaitMs += performance.now() - began;
  }

  #place(sample: Sample, place: number): void {
    const { dataset } = this.#options;
    const { pixels, labels, indices } =
      this.#views[(this.#firstHeld + this.#sizes.length) % this.#views.length];
    const bytes = pixels.length / labels.length;
    const target = pixels.subarray(place * bytes, (place + 1) * bytes);
    labels[place] = placeSample(dataset, sample.index, sample, target);
    indices[place] = sample.index;
  }

  #publish(size: number): void {
    this.#sizes.push(size);
    this.#published.wake();
  }
}
