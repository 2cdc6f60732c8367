/** Where the time of one sample goes on one thread, step by step. */
import { setImmediate } from 'node:timers/promises';
import type { Dataset } from '../data/dataset.js';
import { parsePng } from '../data/decode/png-file.js';
import { datasetReader } from '../data/samples/dataset-reader.js';
import { openReader } from '../data/samples/sample-reader.js';
import { imageBytes } from '../data/samples/sample-source.js';
import { Purpose, Random } from '../random.js';
import { inflatePng } from './inflate-png.js';
import type { DatasetProfile, SampleSteps } from './loader-profile.js';
import { SampleFiles } from './sample-files.js';
import { medianOf, sum } from './statistics.js';

/** Samples looked at, at most: spread evenly, they tell the mean of all to a few per cent. */
const MOST_SAMPLES = 256;
/** Passes over the samples for each step, after one to warm up; their median counts. */
const PASSES = 5;
/** Steps that are timed one by one. */
const TIMED = 4;
/** Samples between two turns of the event loop: memory that decoders hold outside of the heap is freed there. */
const TURN_SAMPLES = 16;

/** What is known of the files of a sample of rows. */
type Sampled = Pick<DatasetProfile, 'sampled' | 'meanFileBytes' | 'decoders' | 'stepsUs'>;

export interface SampleStepsOptions {
  /** That it may take, about. */
  readonly seconds: number;
  /** Of the random numbers that a dataset of the user's own may ask for. */
  readonly seed: number;
  readonly signal?: AbortSignal;
}

/** Does its step for one sample: at once, where nothing has to be waited for. */
type Step<T> = (sample: T) => unknown;

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
  const passes = new Passes((1000 * seconds) / TIMED / (PASSES + 1), signal);
  // Without its cache: what is timed is the work that a cache saves.
  const reader = source
    ? openReader({ ...source, cache: undefined })
    : datasetReader(dataset, { seed, epoch: 0 });
  const files = source && new SampleFiles(source);
  try {
    const target = new Uint8Array(new SharedArrayBuffer(imageBytes(dataset.imageShape)));
    const read = (row: number): unknown => reader.read(row, target);
    const rows = await passes.affordable(spread(dataset.length), read);
    const total = await passes.time(rows, read);
    const pixels = target.slice();
    const copy = await passes.time(rows, () => target.set(pixels));
    if (files !== undefined) return await stepsOfFiles(files, rows, { total, copy }, passes);
    const stepsUs = steps(total, { read: 0, inflate: 0, copy });
    return { sampled: rows.length, meanFileBytes: null, decoders: {}, stepsUs };
  } finally {
    reader.close();
    files?.close();
  }
}

async function stepsOfFiles(
  files: SampleFiles,
  rows: readonly number[],
  { total, copy }: Pick<SampleSteps, 'total' | 'copy'>,
  passes: Passes,
): Promise<Sampled> {
  const sampled = rows.length;
  if (files.inMemory) {
    return {
      sampled,
      meanFileBytes: null,
      decoders: {},
      stepsUs: steps(total, { read: 0, inflate: 0, copy }),
    };
  }
  const found = rows.flatMap(row => files.open(row) ?? []);
  // The fast decoder alone is timed apart: it inflates with zlib, and writes the pixels to where they belong.
  const pngs = found.flatMap(({ decoder, bytes }) =>
    decoder === 'plain PNG' ? (parsePng(bytes) ?? []) : [],
  );
  const parts = {
    read: await passes.time(rows, row => files.read(row)),
    inflate: (pngs.length / sampled) * (await passes.time(pngs, inflatePng)),
    // Pixels that are stored as they are need none either.
    copy: ((found.length - pngs.length) / sampled) * copy,
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

/** Passes over some samples, within a time for each. */
class Passes {
  readonly #ms: number;
  readonly #signal: AbortSignal | undefined;

  constructor(ms: number, signal: AbortSignal | undefined) {
    this.#ms = ms;
    this.#signal = signal;
  }

  /** The first samples that one pass has the time for, one at least; their files are then in the page cache. */
  async affordable(rows: readonly number[], step: Step<number>): Promise<readonly number[]> {
    const start = performance.now();
    for (let count = 0; count < rows.length; count++) {
      if (count > 0 && performance.now() - start > this.#ms) return rows.slice(0, count);
      await step(rows[count]);
      if (count % TURN_SAMPLES === 0) await this.#turn();
    }
    return rows;
  }

  /** Microseconds a sample: the median of the passes that there is time for, one at least. 0 for no samples. */
  async time<T>(samples: readonly T[], step: Step<T>): Promise<number> {
    if (samples.length === 0) return 0;
    const runs: number[] = [];
    const start = performance.now();
    // The first one compiles the code and fills the processor's caches.
    for (let pass = 0; pass <= PASSES; pass++) {
      const us = await this.#pass(samples, step);
      if (pass > 0) runs.push(us);
      if (runs.length > 0 && performance.now() - start > PASSES * this.#ms) break;
    }
    return medianOf(runs);
  }

  async #pass<T>(samples: readonly T[], step: Step<T>): Promise<number> {
    let ms = 0;
    for (let first = 0; first < samples.length; first += TURN_SAMPLES) {
      const end = Math.min(first + TURN_SAMPLES, samples.length);
      const start = performance.now();
      for (let i = first; i < end; i++) {
        const pending = step(samples[i]);
        if (pending instanceof Promise) await pending;
      }
      ms += performance.now() - start;
      await this.#turn();
    }
    return (1000 * ms) / samples.length;
  }

  async #turn(): Promise<void> {
    await setImmediate(undefined, { signal: this.#signal });
  }
}
