/** The decoders' side of an epoch: take a chunk, wait for its slot, write its samples, until none is left. */
import { SampleError } from '../../errors.js';
import type { SlotRing } from '../../protocol/batch.js';
import { type BadSample, badSample } from '../bad-samples.js';
import type { SampleReader } from '../samples/sample-reader.js';
import { slotViews } from './batch-slots.js';
import { BAD } from './close-up.js';
import type { EpochPlan } from './epoch-plan.js';
import { FillControl } from './fill-control.js';
import { nextSlice, sliceIsOver } from './time-slice.js';
import type { Wakeup } from './wakeup.js';

/** One epoch to decode, as every decoder gets it: structured-cloneable, its memory shared. */
export interface FillJob extends EpochPlan {
  readonly slots: SlotRing;
  /** Words of `fill-control.ts`. */
  readonly control: Int32Array;
  /** Samples a decoder takes at a time. */
  readonly chunk: number;
  /** Whether samples that cannot be used are marked as such; otherwise the first one ends the epoch. */
  readonly skipsBad: boolean;
}

/** How decoder and consumer wake each other; what happened stands in the control words. */
export interface FillLink {
  /** Tells the consumer that the batch it waits for is complete. */
  published(): void;
  /** Tells it of a sample that cannot be used. Called before that sample counts as written. */
  skipped(sample: BadSample): void;
  /** Woken when the consumer released a slot or stopped the epoch. */
  readonly changed: Wakeup;
}

/**
 * Samples under way at once in one decoder. sharp decodes on libuv's threads, which must never run out of
 * work while this thread reads files and places pixels; more than that only costs memory.
 */
const IN_FLIGHT = 32;

/** Chunks of a full batch. Those of a smaller one end early, or are empty. */
export const chunksPerBatch = ({ slots, chunk }: FillJob): number => Math.ceil(slots.layout.capacity / chunk);

/** Works until every chunk is taken or the epoch is stopped, and whatever was begun has ended. */
export async function fillSlots(job: FillJob, reader: SampleReader, link: FillLink): Promise<void> {
  const { starts, chunk } = job;
  const control = FillControl.attach(job.control);
  const writer = new ChunkWriter(job, control, reader, link);
  const batches = starts.length - 1;
  const chunks = chunksPerBatch(job);
  try {
    for (;;) {
      const ticket = control.takeTicket();
      const batch = Math.floor(ticket / chunks);
      if (batch >= batches) break;
      // A sample under way may fail meanwhile: its batch, and so the release waited for, would never come.
      await untilFree(batch, control, link.changed, () => writer.failed);
      if (control.stopped || writer.failed) break;
      const first = starts[batch] + (ticket % chunks) * chunk;
      await writer.write(batch, first, Math.min(first + chunk, starts[batch + 1]));
    }
  } finally {
    await writer.drained();
  }
}

/** Waits until `batch` may be written, or there is no more to write: the epoch was stopped, or `givesUp` says so. */
export async function untilFree(
  batch: number,
  control: FillControl,
  changed: Wakeup,
  givesUp: () => boolean = () => false,
): Promise<void> {
  if (control.isFree(batch)) return;
  const began = performance.now();
  control.decoderSleeps();
  while (!control.isFree(batch) && !control.stopped && !givesUp()) await changed.next();
  control.decoderWoke(performance.now() - began);
}

/** Writes samples into slots, several at once where they are waited for, and publishes the batches they complete. */
class ChunkWriter {
  readonly #job: FillJob;
  readonly #control: FillControl;
  readonly #reader: SampleReader;
  readonly #link: FillLink;
  readonly #views;
  /** Pixels of each place of each slot, cut when first written to. */
  readonly #targets: Uint8Array[][];
  readonly #bytes: number;
  readonly #errors: unknown[] = [];
  #underWay = 0;

  constructor(job: FillJob, control: FillControl, reader: SampleReader, link: FillLink) {
    this.#job = job;
    this.#control = control;
    this.#reader = reader;
    this.#link = link;
    const { buffers, layout } = job.slots;
    this.#views = buffers.map(buffer => slotViews(buffer, layout));
    this.#targets = buffers.map(() => []);
    this.#bytes = this.#views[0].pixels.length / layout.capacity;
  }

  get failed(): boolean {
    return this.#errors.length > 0;
  }

  /** Settles when nothing is under way. @throws the first error of a sample */
  async drained(): Promise<void> {
    while (this.#underWay > 0) await this.#link.changed.next();
    if (this.failed) throw this.#errors[0];
  }

  /** Writes the samples at `first` … `end` − 1 of the plan, all of `batch`, or as many as there is leave to. */
  async write(batch: number, first: number, end: number): Promise<void> {
    const { rows, starts, samplesBefore } = this.#job;
    const { labels, indices } = this.#views[batch % this.#views.length];
    // Counted here and reported together: an atomic operation for each sample would be dear beside a copied one.
    let written = this.#writeRun(batch, first, end);
    for (let at = first + written; at < end; at++) {
      const place = at - starts[batch];
      const row = rows[at];
      try {
        const label = this.#reader.read(row, this.#target(batch, place), samplesBefore + at);
        if (typeof label === 'number') {
          labels[place] = label;
          indices[place] = row;
          written++;
        } else this.#follow(label, batch, place, row);
      } catch (error) {
        if (this.#marksBad(error, batch, place, row)) written++;
      }
      if (this.failed) return;
      if (this.#underWay < IN_FLIGHT && !sliceIsOver()) continue;
      this.#report(batch, written);
      written = 0;
      await this.#pause();
      if (this.#control.stopped || this.failed) return;
    }
    this.#report(batch, written);
    if (sliceIsOver()) await this.#pause();
  }

  /** Writes what the reader has at hand of the samples at `first` … `end` − 1. @returns how many */
  #writeRun(batch: number, first: number, end: number): number {
    if (this.#reader.readRun === undefined) return 0;
    const { rows, starts } = this.#job;
    const { pixels, labels, indices } = this.#views[batch % this.#views.length];
    const place = first - starts[batch];
    const run = rows.subarray(first, end);
    const written = this.#reader.readRun(run, pixels.subarray(place * this.#bytes), labels.subarray(place));
    // After the pixels: a row that stands here counts as written.
    indices.set(written < run.length ? run.subarray(0, written) : run, place);
    return written;
  }

  #target(batch: number, place: number): Uint8Array {
    const slot = batch % this.#views.length;
    this.#targets[slot][place] ??= this.#views[slot].pixels.subarray(
      place * this.#bytes,
      (place + 1) * this.#bytes,
    );
    return this.#targets[slot][place];
  }

  #report(batch: number, written: number): void {
    if (written === 0 || !this.#control.samplesWritten(batch, written)) return;
    if (this.#control.isAwaited(batch)) this.#link.published();
  }

  /** Lets the event loop turn, and waits for room where too many samples are under way. */
  async #pause(): Promise<void> {
    if (this.#underWay < IN_FLIGHT) await nextSlice();
    while (this.#underWay >= IN_FLIGHT) await this.#link.changed.next();
  }

  #follow(pending: Promise<number>, batch: number, place: number, row: number): void {
    const { labels, indices } = this.#views[batch % this.#views.length];
    const writeLabel = (label: number): void => {
      labels[place] = label;
      indices[place] = row;
      this.#report(batch, 1);
    };
    const ended = (): void => {
      this.#underWay--;
      this.#link.changed.wake();
    };
    this.#underWay++;
    pending
      .then(writeLabel)
      .catch(error => {
        if (this.#marksBad(error, batch, place, row)) this.#report(batch, 1);
      })
      .finally(ended);
  }

  /** Whether a sample that failed is left out; otherwise its error ends the epoch. */
  #marksBad(error: unknown, batch: number, place: number, row: number): boolean {
    if (this.#job.skipsBad && error instanceof SampleError) {
      this.#link.skipped(badSample(row, error));
      this.#views[batch % this.#views.length].indices[place] = BAD;
      return true;
    }
    this.#errors.push(error);
    this.#link.changed.wake();
    return false;
  }
}
