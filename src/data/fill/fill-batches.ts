/** Fills slots from a dataset that gives a whole batch at once, on the calling thread. */
import { GradringError } from '../../errors.js';
import type { Dataset, Sample } from '../dataset.js';
import { placeSample, unusable } from '../samples/dataset-reader.js';
import { slotViews } from './batch-slots.js';
import type { FillCrew, FillEvents } from './fill.js';
import { FillControl } from './fill-control.js';
import type { FillJob } from './fill-slots.js';

/** A dataset with `getBatch`. */
export type BatchDataset = Dataset & Required<Pick<Dataset, 'getBatch'>>;

export const givesBatches = (dataset: Dataset): dataset is BatchDataset => dataset.getBatch !== undefined;

/** A crew of one that asks `dataset` for one batch after the other, each in one call. */
export function fillBatches(job: FillJob, events: FillEvents, dataset: BatchDataset): FillCrew {
  const control = FillControl.attach(job.control);
  let wake: (() => void) | undefined;
  const notified = (): Promise<void> =>
    new Promise(resolve => {
      wake = resolve;
    });
  const work = async (): Promise<void> => {
    for (let batch = 0; batch < job.starts.length - 1; batch++) {
      while (!control.isFree(batch) && !control.stopped) await notified();
      if (control.stopped) return;
      const rows = [...job.rows.subarray(job.starts[batch], job.starts[batch + 1])];
      const samples = await samplesOf(dataset, rows);
      // The consumer may have left meanwhile, and nothing is to be written any more.
      if (control.stopped) return;
      writeBatch(job, control, dataset, batch, samples);
      events.published();
    }
  };
  return { settled: work().catch(events.failed), notify: () => wake?.() };
}

async function samplesOf(dataset: BatchDataset, rows: readonly number[]): Promise<readonly Sample[]> {
  let samples: readonly Sample[];
  try {
    samples = await dataset.getBatch(rows);
  } catch (error) {
    // A transform that is wrong for every row has said so better.
    throw error instanceof GradringError
      ? error
      : unusable(dataset, rows[0], (error as Error).message, error);
  }
  if (samples.length === rows.length) return samples;
  throw unusable(dataset, rows[0], `its batch of ${rows.length} came as ${samples.length} samples`);
}

function writeBatch(
  { slots }: FillJob,
  control: FillControl,
  dataset: Dataset,
  batch: number,
  samples: readonly Sample[],
): void {
  const { pixels, labels, indices } = slotViews(slots.buffers[batch % slots.buffers.length], slots.layout);
  const bytes = pixels.length / slots.layout.capacity;
  for (const [place, sample] of samples.entries()) {
    const target = pixels.subarray(place * bytes, (place + 1) * bytes);
    labels[place] = placeSample(dataset, sample.index, sample, target);
    indices[place] = sample.index;
    control.sampleWritten(batch);
  }
}
