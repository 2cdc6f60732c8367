/** Where the time of one sample goes on one thread, step by step. */
import type { Dataset } from '../data/dataset.js';
import type { DecoderName } from '../data/decode/open-decoder.js';
import { parsePng } from '../data/decode/png-file.js';
import { datasetReader } from '../data/samples/dataset-reader.js';
import { openReader } from '../data/samples/sample-reader.js';
import { imageBytes } from '../data/samples/sample-source.js';
import { Purpose, Random } from '../random.js';
import { sum } from '../statistics.js';
import { inflatePng } from './inflate-png.js';
import type { DatasetProfile, SampleSteps } from './loader-profile.js';
import { SampleFiles } from './sample-files.js';
import { Passes, type Step } from './step-timer.js';

/** Samples looked at, at most: spread evenly, they tell the mean of all to a few per cent. */
const MOST_SAMPLES = 256;
/** What is known of the files of a sample of rows. */
type Sampled = Pick<DatasetProfile, 'sampled' | 'meanFileBytes' | 'decoders' | 'stepsUs'>;

export interface SampleStepsOptions {
  /** That it may take, about. */
  readonly seconds: number;
  /** Of the random numbers that a dataset of the user's own may ask for. */
  readonly seed: number;
  readonly signal?: AbortSignal;
}

/**
 * Reads up to 256 samples again and again on the calling thread, and times the whole and its steps.
 *
 * @throws SampleError where one cannot be decoded; AbortError by the signal
 */
export async function sampleSteps(
  dataset: Dataset,
  { seconds, seed, signal }: SampleStepsOptions,
): Promise<Sampled> {
  const { source } = dataset;
  const passes = new Passes(1000 * seconds, signal);
  // Without its cache: what is timed is the work that a cache saves.
  const reader = source
    ? openReader({ ...source, cache: undefined })
    : datasetReader(dataset, { seed, epoch: 0 });
  const files = source && new SampleFiles(source);
  try {
    const target = new Uint8Array(new SharedArrayBuffer(imageBytes(dataset.imageShape)));
    const rows = await passes.affordable(spread(dataset.length), row => reader.read(row, target));
    const pixels = target.slice();
    const whole: Step = { samples: rows.length, run: i => reader.read(rows[i], target) };
    const copy: Step = { samples: rows.length, run: () => target.set(pixels) };
    if (files !== undefined && !files.inMemory)
      return await stepsOfFiles(files, rows, { whole, copy }, passes);
    const [total, copied] = await passes.inTurns([whole, copy]);
    const stepsUs = steps(total, { read: 0, inflate: 0, copy: copied });
    return { sampled: rows.length, meanFileBytes: null, decoders: {}, stepsUs };
  } finally {
    reader.close();
    files?.close();
  }
}

/** Our decoders of PNGs: their inflating can be timed by itself, and they write the pixels to where they belong. */
const ours: ReadonlySet<DecoderName> = new Set(['plain PNG', 'libdeflate']);

async function stepsOfFiles(
  files: SampleFiles,
  rows: readonly number[],
  { whole, copy }: { whole: Step; copy: Step },
  passes: Passes,
): Promise<Sampled> {
  const sampled = rows.length;
  const found = rows.flatMap(row => files.open(row) ?? []);
  const pngs = found.flatMap(({ decoder, bytes }) => (ours.has(decoder) ? (parsePng(bytes) ?? []) : []));
  const copies = found.filter(({ decoder }) => !ours.has(decoder)).length;
  const read: Step = { samples: sampled, run: i => files.read(rows[i]) };
  const inflate: Step = { samples: pngs.length, run: i => inflatePng(pngs[i]) };
  const [total, copied, reading, inflating] = await passes.inTurns([whole, copy, read, inflate]);
  const parts = {
    read: reading,
    inflate: (pngs.length / sampled) * inflating,
    // Pixels that are stored as they are need none either.
    copy: (copies / sampled) * copied,
  };
  return {
    sampled,
    meanFileBytes: found.length > 0 ? sum(found.map(({ bytes }) => bytes.length)) / found.length : null,
    decoders: sharesOf(found.map(({ decoder }) => decoder)),
    stepsUs: steps(total, parts),
  };
}

/** Up to 256 rows, evenly over all, in an order that any first part of is spread over all, too. */
function spread(length: number): number[] {
  const count = Math.min(length, MOST_SAMPLES);
  const rows = Array.from({ length: count }, (_, i) => Math.floor((i * length) / count));
  new Random({ seed: 0, purpose: Purpose.split }).shuffle(rows);
  return rows;
}

/** What the named steps leave of the whole is the decoder's. Timed apart, they may come to more than the whole. */
function steps(total: number, parts: Omit<SampleSteps, 'decode' | 'total'>): SampleSteps {
  const { read, inflate, copy } = parts;
  const decode = Math.max(total - read - inflate - copy, 0);
  return { read, inflate, decode, copy, total: read + inflate + decode + copy };
}

function sharesOf(names: readonly string[]): Record<string, number> {
  const shares: Record<string, number> = {};
  for (const name of names) shares[name] = (shares[name] ?? 0) + 1;
  for (const name of Object.keys(shares)) shares[name] /= names.length;
  return shares;
}
