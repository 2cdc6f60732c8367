/** The consumer's side of an epoch: waits for batches in order, releases them, and stops the decoders. */
import type { SlotRing } from '../../protocol/batch.js';
import type { RunWarning } from '../../protocol/warning.js';
import { type BadSample, type BadSamples, nothingGood } from '../bad-samples.js';
import { slotViews } from './batch-slots.js';
import { badPlaces, closeUp } from './close-up.js';
import { type EpochFill, settlesInTime } from './epoch-fill.js';
import type { EpochPlan } from './epoch-plan.js';
import { FillControl } from './fill-control.js';
import { threadDied, threadReplaced, timedOut } from './fill-errors.js';
import { chunksPerBatch, type FillJob } from './fill-slots.js';
import { nextSlice, sliceIsOver } from './time-slice.js';
import { markUnwritten, rowsUnderWay } from './under-way.js';
import { Wakeup } from './wakeup.js';

/** What the decoders of an epoch report to its consumer, in its thread. */
export interface FillEvents {
  /** The batch that is waited for was completed. */
  published(): void;
  /** A sample cannot be used; its place in the slot is marked. */
  skipped(sample: BadSample): void;
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
  /** Reports at once what they had to say before the batches that are complete were. */
  collect(): void;
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
  /** Where samples that cannot be used are noted down. Absent: the first one ends the epoch. */
  readonly badSamples?: BadSamples;
  readonly onWarning?: (warning: RunWarning) => void;
}

/** Puts a crew to work; its events may come any time after this has returned. */
type StartCrew = (job: FillJob, events: FillEvents) => FillCrew;

/** The work at which a thread ended. */
interface Repeated {
  /** The batch that was to be completed next. */
  readonly from: number;
  readonly rows: readonly number[];
}

/**
 * An epoch of rows, decoded by a crew. Where one of its threads ends, the crew stops, and a new one writes anew all
 * batches that are not complete; where that gets no further, the epoch ends with an error.
 */
export class Fill implements EpochFill {
  readonly #options: FillOptions;
  readonly #start: StartCrew;
  readonly #changed = new Wakeup();
  #job: FillJob;
  #control: FillControl;
  #crew: FillCrew;
  #failure: Error | undefined;
  #isHung = false;
  #isStopped = false;
  /** Between the end of a thread and the next crew. */
  #isChangingCrew = false;
  #repeated: Repeated | undefined;
  /** Rows left out, by what was said of them, until their batch is given. */
  readonly #skipped = new Map<number, BadSample>();
  /** Samples in the batch that was waited for last. */
  #ready = { batch: -1, size: 0 };

  constructor(options: FillOptions, start: StartCrew) {
    const { plan, slots, chunk, badSamples } = options;
    this.#options = options;
    this.#start = start;
    this.#control = FillControl.create(slots.buffers.length, plan.starts);
    const skipsBad = badSamples !== undefined;
    this.#job = { ...plan, slots, chunk, skipsBad, control: this.#control.words };
    for (let slot = 0; slot < slots.buffers.length; slot++) markUnwritten(this.#job, slot);
    this.#crew = this.#startCrew();
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
    return batch === this.#ready.batch ? this.#ready.size : this.#planned(batch);
  }

  async ready(batch: number): Promise<number> {
    if (batch >= this.length) return 0;
    // A loop that never has to wait would keep the event loop of this thread from turning.
    if (sliceIsOver()) await nextSlice();
    const began = performance.now();
    const isThere = this.#failure === undefined && this.#control.isReady(batch);
    if (!isThere) await this.#wait(batch);
    this.#ready = { batch, size: this.#leaveOutBad(batch) };
    return isThere ? 0 : performance.now() - began;
  }

  release(batch: number): void {
    // Only a slot that is written again: the views of an epoch's last batches stay as they are.
    if (batch + this.#control.slots < this.length) markUnwritten(this.#job, batch);
    if (this.#control.release(batch, this.#job.starts)) this.#crew.notify();
  }

  fail(error: Error): void {
    this.#failure ??= error;
    this.#stopCrew();
    this.#changed.wake();
  }

  async stop(): Promise<boolean> {
    this.#isStopped = true;
    this.#stopCrew();
    const ended = await settlesInTime(this.#crew.settled, this.#isHung);
    if (!ended) this.#crew.abandon();
    return ended;
  }

  #startCrew(): FillCrew {
    return this.#start(this.#job, {
      published: () => this.#changed.wake(),
      skipped: sample => this.#skipped.set(sample.row, sample),
      failed: error => this.fail(error),
      died: cause => this.#died(cause),
    });
  }

  #stopCrew(): void {
    this.#control.stop();
    this.#crew.notify();
  }

  /** A thread of the crew ended: has its work done again, unless that was tried. */
  #died(cause: unknown): void {
    const from = this.#control.firstIncomplete;
    const isOver = this.#failure !== undefined || this.#isStopped || from >= this.length;
    // Of several that end together, the first one is what is told.
    if (isOver || this.#isChangingCrew) return;
    const rows = rowsUnderWay(this.#job);
    if (this.#repeated?.from === from) {
      // What was under way both times comes first: the error is about that.
      const before = new Set(this.#repeated.rows);
      const suspects = [...rows.filter(row => before.has(row)), ...rows.filter(row => !before.has(row))];
      this.fail(threadDied(cause, this.#named(suspects)));
      return;
    }
    this.#repeated = { from, rows };
    this.#isChangingCrew = true;
    this.#stopCrew();
    try {
      this.#options.onWarning?.(threadReplaced(cause, this.#named(rows)));
    } catch (error) {
      this.fail(error as Error);
    }
    void this.#crew.settled.then(() => this.#changeCrew());
  }

  /** Nobody touches the slots at this moment. */
  #changeCrew(): void {
    this.#isChangingCrew = false;
    if (this.#failure !== undefined || this.#isStopped) return;
    const { starts } = this.#job;
    this.#control = FillControl.continued(this.#control, starts, chunksPerBatch(this.#job));
    this.#job = { ...this.#job, control: this.#control.words };
    const end = Math.min(this.#control.released + this.#control.slots, this.length);
    for (let batch = this.#control.firstIncomplete; batch < end; batch++) markUnwritten(this.#job, batch);
    try {
      this.#crew = this.#startCrew();
    } catch (error) {
      this.fail(error as Error);
    }
    // The batch that is waited for may have come while the crew was stopping, and the control words are others now.
    this.#changed.wake();
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
    this.fail(timedOut(names.batch(batch), timeoutMs, this.#named(rowsUnderWay(this.#job))));
  }

  #named(rows: readonly number[]): string[] {
    return rows.map(row => this.#options.names.row(row));
  }

  #planned(batch: number): number {
    return batch >= this.length ? 0 : this.#job.starts[batch + 1] - this.#job.starts[batch];
  }

  /**
   * Takes the samples that cannot be used out of a complete batch. Here, in the order of the batches, and not where they
   * are found: so nothing depends on which decoder was faster.
   *
   * @returns samples that are left
   * @throws SampleError where none is, or too many were left out by now
   */
  #leaveOutBad(batch: number): number {
    const { badSamples, slots, names } = this.#options;
    const size = this.#planned(batch);
    if (badSamples === undefined) return size;
    const views = slotViews(slots.buffers[batch % slots.buffers.length], slots.layout);
    const places = badPlaces(views, size);
    if (places.length === 0) return size;
    this.#crew.collect();
    const found = places.map(place => this.#skippedRow(this.#job.rows[this.#job.starts[batch] + place]));
    for (const sample of found) badSamples.add(sample);
    if (places.length === size) throw nothingGood(names.batch(batch), found);
    return closeUp(views, size, places);
  }

  #skippedRow(row: number): BadSample {
    const unsaid = { row, where: this.#options.names.row(row), reason: 'it cannot be read' };
    return this.#skipped.get(row) ?? unsaid;
  }
}
