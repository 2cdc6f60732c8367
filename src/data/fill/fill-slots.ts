/** The decoders' side of an epoch: take a chunk, wait for its slot, write its samples, until none is left. */
import type { SlotRing } from '../../protocol/batch.js';
import type { SampleReader } from '../samples/sample-reader.js';
import { slotViews } from './batch-slots.js';
import type { EpochPlan } from './epoch-plan.js';
import { FillControl } from './fill-control.js';

/** One epoch to decode, as every decoder gets it: structured-cloneable, its memory shared. */
export interface FillJob extends EpochPlan {
  readonly slots: SlotRing;
  /** Words of `fill-control.ts`. */
  readonly control: Int32Array;
  /** Samples a decoder takes at a time. */
  readonly chunk: number;
}

/** How decoder and consumer wake each other; what happened stands in the control words. */
export interface FillLink {
  /** Tells the consumer that a batch is complete. */
  published(): void;
  /** Settles at the next release or stop from now on. */
  released(): Promise<void>;
}

/**
 * Samples under way at once in one decoder. sharp decodes on libuv's threads, which must never run out of
 * work while this thread reads files and places pixels; more than that only costs memory.
 */
const IN_FLIGHT = 32;

/** Works until every chunk is taken or the epoch is stopped, and whatever was begun has ended. */
export async function fillSlots(job: FillJob, reader: SampleReader, link: FillLink): Promise<void> {
  const { slots, starts, chunk } = job;
  const control = FillControl.attach(job.control);
  const writer = new SampleWriter(job, control, reader, link);
  const batches = starts.length - 1;
  const chunksPerBatch = Math.ceil(slots.layout.capacity / chunk);
  try {
    for (;;) {
      const ticket = control.takeTicket();
      const batch = Math.floor(ticket / chunksPerBatch);
      if (batch >= batches) break;
      while (!control.isFree(batch) && !control.stopped && !writer.failed) {
        // A sample under way may fail meanwhile: its batch, and so the release waited for, would never come.
        await Promise.race([link.released(), writer.failure]);
      }
      if (control.stopped || writer.failed) break;
      // Chunks are cut for a full batch: those of a smaller one end early, or are empty.
      const first = starts[batch] + (ticket % chunksPerBatch) * chunk;
      const end = Math.min(first + chunk, starts[batch + 1]);
      for (let position = first; position < end && !writer.failed; position++) {
        if (!writer.hasRoom) await writer.room();
        writer.write(batch, position);
      }
      if (writer.failed) break;
    }
  } finally {
    await writer.drained();
  }
}

/** Writes samples into slots, several at once, and publishes the batches they complete. */
class SampleWriter {
  /** Settles when the first sample fails. Never rejects. */
  readonly failure: Promise<void>;
  readonly #job: FillJob;
  readonly #control: FillControl;
  readonly #reader: SampleReader;
  readonly #link: FillLink;
  readonly #views;
  readonly #bytes: number;
  readonly #errors: unknown[] = [];
  #fail: () => void = () => undefined;
  #underWay = 0;
  #wake: (() => void) | undefined;

  constructor(job: FillJob, control: FillControl, reader: SampleReader, link: FillLink) {
    this.#job = job;
    this.#control = control;
    this.#reader = reader;
    this.#link = link;
    const { buffers, layout } = job.slots;
    this.#views = buffers.map(buffer => slotViews(buffer, layout));
    this.#bytes = this.#views[0].pixels.length / layout.capacity;
    this.failure = new Promise(resolve => {
      this.#fail = resolve;
    });
  }

  get failed(): boolean {
    return this.#errors.length > 0;
  }

  get hasRoom(): boolean {
    return this.#underWay < IN_FLIGHT;
  }

  /** Settles when one sample that was under way has ended. */
  async room(): Promise<void> {
    await new Promise<void>(resolve => {
      this.#wake = resolve;
    });
  }

  /** Settles when nothing is under way. @throws the first error of a sample */
  async drained(): Promise<void> {
    while (this.#underWay > 0) await this.room();
    if (this.failed) throw this.#errors[0];
  }

  write(batch: number, position: number): void {
    const { rows, starts } = this.#job;
    const place = position - starts[batch];
    const views = this.#views[batch % this.#views.length];
    const row = rows[position];
    const written = (label: number): void => {
      views.labels[place] = label;
      views.indices[place] = row;
      if (this.#control.sampleWritten(batch)) this.#link.published();
    };
    try {
      const target = views.pixels.subarray(place * this.#bytes, (place + 1) * this.#bytes);
      const label = this.#reader.read(row, target);
      if (typeof label === 'number') written(label);
      else this.#follow(label.then(written));
    } catch (error) {
      this.#sampleFailed(error);
    }
  }

  #follow(pending: Promise<void>): void {
    this.#underWay++;
    const ended = (): void => {
      this.#underWay--;
      this.#wake?.();
    };
    pending.catch(error => this.#sampleFailed(error)).finally(ended);
  }

  #sampleFailed(error: unknown): void {
    this.#errors.push(error);
    this.#fail();
  }
}
