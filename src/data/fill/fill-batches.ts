/** Fills slots from a dataset that gives a whole batch at once, on the calling thread. */
import { GradringError, SampleError } from '../../errors.js';
import { badSample } from '../bad-samples.js';
import type { Dataset, Sample } from '../dataset.js';
import { placeSample, unusable } from '../samples/dataset-reader.js';
import { type EpochDraws, SampleContext } from '../samples/sample-context.js';
import { slotViews } from './batch-slots.js';
import { BAD } from './close-up.js';
import type { FillCrew, FillEvents } from './fill.js';
import { FillControl } from './fill-control.js';
import { crewOfOne } from './fill-here.js';
import { type FillJob, untilFree } from './fill-slots.js';
import { Wakeup } from './wakeup.js';

/** A dataset with `getBatch`. */
export type BatchDataset = Dataset & Required<Pick<Dataset, 'getBatch'>>;

export const givesBatches = (dataset: Dataset): dataset is BatchDataset => dataset.getBatch !== undefined;

/** Rows of one batch, and what they draw random numbers from. */
interface Asked {
  readonly rows: readonly number[];
  readonly contexts: readonly SampleContext[];
}

/** A crew of one that asks `dataset` for one batch after the other, each in one call: a chunk is a batch. */
export function fillBatches(
  job: FillJob,
  events: FillEvents,
  dataset: BatchDataset,
  draws: EpochDraws,
): FillCrew {
  const control = FillControl.attach(job.control);
  const changed = new Wakeup();
  const work = async (): Promise<void> => {
    for (let batch = 0; batch < job.starts.length - 1; batch++) {
      await untilFree(batch, control, changed);
      if (control.stopped) return;
      // Of a batch that is one chunk, for whoever asks what is under way.
      control.takeTicket();
      const first = job.starts[batch];
      const rows = [...job.rows.subarray(first, job.starts[batch + 1])];
      const contexts = rows.map((_, i) => new SampleContext(draws, job.samplesBefore + first + i));
      const asked = { rows, contexts };
      const samples = await (job.skipsBad ? goodOf(dataset, asked) : samplesOf(dataset, asked));
      // The consumer may have left meanwhile, and nothing is to be written any more.
      if (control.stopped) return;
      writeBatch(job, events, dataset, batch, samples);
      control.samplesWritten(batch, samples.length);
      events.published();
    }
  };
  return crewOfOne(work(), events, changed);
}

async function samplesOf(dataset: BatchDataset, { rows, contexts }: Asked): Promise<readonly Sample[]> {
  let samples: readonly Sample[];
  try {
    samples = await dataset.getBatch(rows, contexts);
  } catch (error) {
    // A transform that is wrong for every row has said so better.
    throw error instanceof GradringError
      ? error
      : unusable(dataset, rows[0], (error as Error).message, error);
  }
  if (samples.length === rows.length) return samples;
  throw unusable(dataset, rows[0], `its batch of ${rows.length} came as ${samples.length} samples`);
}

/** Likewise. Where the batch fails its rows are asked for one by one, to tell which of them cannot be used. */
async function goodOf(dataset: BatchDataset, asked: Asked): Promise<readonly (Sample | SampleError)[]> {
  try {
    return await samplesOf(dataset, asked);
  } catch (error) {
    if (!(error instanceof SampleError)) throw error;
  }
  const samples: (Sample | SampleError)[] = [];
  for (const [i, row] of asked.rows.entries()) {
    try {
      samples.push(await dataset.get(row, asked.contexts[i]));
    } catch (error) {
      if (error instanceof GradringError && !(error instanceof SampleError)) throw error;
      samples.push(
        error instanceof SampleError ? error : unusable(dataset, row, (error as Error).message, error),
      );
    }
  }
  return samples;
}

function writeBatch(
  { slots, rows, starts, skipsBad }: FillJob,
  events: FillEvents,
  dataset: Dataset,
  batch: number,
  samples: readonly (Sample | SampleError)[],
): void {
  const { pixels, labels, indices } = slotViews(slots.buffers[batch % slots.buffers.length], slots.layout);
  const bytes = pixels.length / slots.layout.capacity;
  for (const [place, sample] of samples.entries()) {
    const target = pixels.subarray(place * bytes, (place + 1) * bytes);
    try {
      if (sample instanceof SampleError) throw sample;
      labels[place] = placeSample(dataset, sample.index, sample, target);
      indices[place] = sample.index;
    } catch (error) {
      if (!skipsBad || !(error instanceof SampleError)) throw error;
      events.skipped(badSample(rows[starts[batch] + place], error));
      indices[place] = BAD;
    }
  }
}
