/** The consumer's side of an epoch: waits for batches in order, releases them, and stops the decoders. */
import type { SlotRing } from '../../protocol/batch.js';
import type { SampleReader } from '../samples/sample-reader.js';
import type { EpochPlan } from './epoch-plan.js';
import { FillControl } from './fill-control.js';
import { type FillJob, fillSlots } from './fill-slots.js';

/** What the decoders of an epoch report to its consumer, in its thread. */
export interface FillEvents {
  /** A batch was completed. */
  published(): void;
  /** A decoder gave up; it decodes nothing more. */
  failed(error: Error): void;
}

/** Those who decode an epoch. */
export interface FillCrew {
  /** All have ended, whether well or not. Never rejects. */
  readonly settled: Promise<void>;
  /** Tells them that control words changed. */
  notify(): void;
}

export class Fill {
  readonly #plan: EpochPlan;
  readonly #control: FillControl;
  readonly #crew: FillCrew;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  /** @param start puts a crew to work; its events may come any time after `start` has returned */
  constructor(
    plan: EpochPlan,
    slots: SlotRing,
    chunk: number,
    start: (job: FillJob, events: FillEvents) => FillCrew,
  ) {
    this.#plan = plan;
    this.#control = FillControl.create(slots.buffers.length, plan.starts);
    const job = { ...plan, slots, chunk, control: this.#control.words };
    this.#crew = start(job, { published: () => this.#wake?.(), failed: error => this.fail(error) });
  }

  /** Batches complete and not yet released. */
  get filled(): number {
    return this.#control.filled;
  }

  /** Samples in `batch`. */
  sizeOf(batch: number): number {
    return this.#plan.starts[batch + 1] - this.#plan.starts[batch];
  }

  /** Settles when `batch` is complete in its slot. @throws what `fail` was told, at once */
  async ready(batch: number): Promise<void> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#control.isReady(batch)) return;
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
  }

  /** The slot of `batch` may be written again. */
  release(batch: number): void {
    this.#control.release(batch, this.#plan.starts);
    this.#crew.notify();
  }

  /** Ends the epoch with an error: the first one told is the one `ready` throws. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#control.stop();
    this.#crew.notify();
    this.#wake?.();
  }

  /** Ends the epoch wherever it is. Settles when no decoder touches the slots any more. */
  async stop(): Promise<void> {
    this.#control.stop();
    this.#crew.notify();
    await this.#crew.settled;
  }
}

/** A crew of one: decodes on the calling thread, between the consumer's own work. */
export function fillHere(
  job: FillJob,
  events: FillEvents,
  open: () => SampleReader | Promise<SampleReader>,
): FillCrew {
  let wake: (() => void) | undefined;
  const released = (): Promise<void> =>
    new Promise(resolve => {
      wake = resolve;
    });
  const work = async (): Promise<void> => {
    const reader = await open();
    try {
      await fillSlots(job, reader, { published: events.published, released });
    } finally {
      reader.close();
    }
  };
  return { settled: work().catch(events.failed), notify: () => wake?.() };
}
