/** The consumer's side of an epoch: waits for batches in order, releases them, and stops the decoders. */
import type { SlotRing } from '../../protocol/batch.js';
import type { SampleReader } from '../samples/sample-reader.js';
import { type EpochFill, settlesInTime } from './epoch-fill.js';
import type { EpochPlan } from './epoch-plan.js';
import { FillControl } from './fill-control.js';
import { threadDied, timedOut } from './fill-errors.js';
import { type FillJob, fillSlots } from './fill-slots.js';
import { nextSlice, sliceIsOver } from './time-slice.js';
import { markUnwritten, rowsUnderWay } from './under-way.js';
import { Wakeup } from './wakeup.js';

/** What the decoders of an epoch report to its consumer, in its thread. */
export interface FillEvents {
  /** The batch that is waited for was completed. */
  published(): void;
  /** A decoder gave up; it decodes nothing more. */
  failed(error: Error): void;
  /** A decode thread ended in the middle of its work. */
  died(cause: unknown): void;
}

/** Those who decode an epoch. */
export interface FillCrew {
  /** All have ended, whether well or not. Never rejects. */
  readonly settled: Promise<void>;
  /** Tells them that control words changed. */
  notify(): void;
  /** Ends those that do not answer any more, where that is possible: a thread can be ended, a promise cannot. */
  abandon(): void;
}

export interface FillOptions {
  readonly plan: EpochPlan;
  readonly slots: SlotRing;
  /** Samples a decoder takes at a time. */
  readonly chunk: number;
  /** Milliseconds that a batch is waited for; 0: for ever. */
  readonly timeoutMs: number;
  /** What a batch of the plan and a row of the dataset are called in messages. */
  readonly names: { batch(batch: number): string; row(row: number): string };
}

/** An epoch of rows, decoded by a crew. */
export class Fill implements EpochFill {
  readonly #options: FillOptions;
  readonly #job: FillJob;
  readonly #control: FillControl;
  readonly #crew: FillCrew;
  readonly #changed = new Wakeup();
  #failure: Error | undefined;
  #isHung = false;

  /** @param start puts a crew to work; its events may come any time after `start` has returned */
  constructor(options: FillOptions, start: (job: FillJob, events: FillEvents) => FillCrew) {
    const { plan, slots, chunk } = options;
    this.#options = options;
    this.#control = FillControl.create(slots.buffers.length, plan.starts);
    this.#job = { ...plan, slots, chunk, control: this.#control.words };
    for (let slot = 0; slot < slots.buffers.length; slot++) markUnwritten(this.#job, slot);
    this.#crew = start(this.#job, {
      published: () => this.#changed.wake(),
      failed: error => this.fail(error),
      died: cause => this.fail(threadDied(cause, this.#underWay())),
    });
  }

  get filled(): number {
    return this.#control.filled;
  }

  get slotWaitMs(): number {
    return this.#control.slotWaitMs;
  }

  /** Batches of the plan. */
  get length(): number {
    return this.#job.starts.length - 1;
  }

  sizeOf(batch: number): number {
    if (batch >= this.length) return 0;
    return this.#job.starts[batch + 1] - this.#job.starts[batch];
  }

  async ready(batch: number): Promise<number> {
    if (batch >= this.length) return 0;
    // A loop that never has to wait would keep the event loop of this thread from turning.
    if (sliceIsOver()) await nextSlice();
    if (this.#failure === undefined && this.#control.isReady(batch)) return 0;
    const began = performance.now();
    await this.#wait(batch);
    return performance.now() - began;
  }

  release(batch: number): void {
    // Only a slot that is written again: the views of an epoch's last batches stay as they are.
    if (batch + this.#control.slots < this.length) markUnwritten(this.#job, batch);
    if (this.#control.release(batch, this.#job.starts)) this.#crew.notify();
  }

  fail(error: Error): void {
    this.#failure ??= error;
    this.#control.stop();
    this.#crew.notify();
    this.#changed.wake();
  }

  async stop(): Promise<boolean> {
    this.#control.stop();
    this.#crew.notify();
    const ended = await settlesInTime(this.#crew.settled, this.#isHung);
    if (!ended) this.#crew.abandon();
    return ended;
  }

  async #wait(batch: number): Promise<void> {
    const { timeoutMs } = this.#options;
    const timer = timeoutMs > 0 ? setTimeout(() => this.#giveUp(batch), timeoutMs) : undefined;
    try {
      for (;;) {
        if (this.#failure !== undefined) throw this.#failure;
        this.#control.consumerSleeps(batch);
        if (this.#control.isReady(batch)) return;
        await this.#changed.next();
      }
    } finally {
      clearTimeout(timer);
      this.#control.consumerWoke();
    }
  }

  #giveUp(batch: number): void {
    const { names, timeoutMs } = this.#options;
    this.#isHung = true;
    this.fail(timedOut(names.batch(batch), timeoutMs, this.#underWay()));
  }

  #underWay(): string[] {
    return rowsUnderWay(this.#job).map(row => this.#options.names.row(row));
  }
}

/** A crew of one: decodes on the calling thread, between the consumer's own work. */
export function fillHere(
  job: FillJob,
  events: FillEvents,
  open: () => SampleReader | Promise<SampleReader>,
): FillCrew {
  const changed = new Wakeup();
  const work = async (): Promise<void> => {
    const reader = await open();
    try {
      await fillSlots(job, reader, { published: events.published, changed });
    } finally {
      reader.close();
    }
  };
  return { settled: work().catch(events.failed), notify: () => changed.wake(), abandon: () => undefined };
}
