/** Crews of one: they decode on the calling thread, between the consumer's own work. */
import type { SampleReader } from '../samples/sample-reader.js';
import type { FillCrew, FillEvents } from './fill.js';
import { type FillJob, fillSlots } from './fill-slots.js';
import { Wakeup } from './wakeup.js';

/** Reads sample by sample. */
export function fillHere(
  job: FillJob,
  events: FillEvents,
  open: () => SampleReader | Promise<SampleReader>,
): FillCrew {
  const changed = new Wakeup();
  const work = async (): Promise<void> => {
    const reader = await open();
    try {
      await fillSlots(job, reader, { published: events.published, skipped: events.skipped, changed });
    } finally {
      reader.close();
    }
  };
  return crewOfOne(work(), events, changed);
}

/** The crew that `work` on the calling thread is. */
export function crewOfOne(work: Promise<void>, events: FillEvents, changed: Wakeup): FillCrew {
  const nothing = (): void => undefined;
  return {
    settled: work.catch(events.failed),
    notify: () => changed.wake(),
    collect: nothing,
    abandon: nothing,
  };
}
