/** Datasets written to packs, to be read faster the next time. */
import { statSync } from 'node:fs';
import { AbortedError, ConfigError, SampleError } from '../errors.js';
import { DataLoader } from './data-loader.js';
import type { Dataset } from './dataset.js';
import { type PackRecord, writePack } from './datasets/write-pack.js';
import type { DataLoaderOptions } from './loader-options.js';
import { type EncodedFiles, openEncoded } from './samples/encoded-files.js';
import { imageBytes } from './samples/sample-source.js';

export interface PackOptions extends Pick<DataLoaderOptions, 'numWorkers' | 'signal'> {
  /**
   * `image` copies the image files as they are; `raw` decodes them, and stores uint8 pixels of the dataset's shape.
   * Default: `image` where there are files.
   */
  readonly encoding?: 'image' | 'raw';
  /** Where the images come from, and under which licence: for people who find the pack. */
  readonly source?: string;
  readonly licence?: string;
  /** Called with the number of images so far, about ten times a second. */
  readonly onProgress?: (images: number) => void;
}

export interface PackReport {
  readonly images: number;
  /** Of the pack. */
  readonly bytes: number;
  readonly seconds: number;
}

/** Memory for decoded batches, in bytes. */
const SLOTS = 64 << 20;
/** Between two calls of `onProgress`, in ms. */
const PROGRESS = 100;

/**
 * Writes all samples of a dataset into one pack, in their order. The file is there whole or not at all.
 *
 * @throws SampleError where an image cannot be read, ConfigError where `image` is asked for of data that are pixels,
 * AbortedError when the signal said so
 */
export async function packDataset(
  dataset: Dataset,
  file: string,
  options: PackOptions = {},
): Promise<PackReport> {
  const begun = performance.now();
  const files = options.encoding === 'raw' ? undefined : dataset.source && openEncoded(dataset.source);
  if (files === undefined && options.encoding === 'image') throw noFiles(file);
  const { source = dataset.source?.name ?? 'a dataset', licence = 'not stated' } = options;
  const header = {
    count: dataset.length,
    classes: [...dataset.classes],
    imageShape: [...dataset.imageShape] as [number, number, 1 | 3],
    encoding: files === undefined ? ('raw' as const) : ('image' as const),
    resize: files?.resize,
    source,
    licence,
  };
  try {
    const records = files === undefined ? decoded(dataset, options) : copied(dataset, files);
    await writePack(file, header, watched(records, options));
  } finally {
    files?.close();
  }
  const seconds = (performance.now() - begun) / 1000;
  return { images: dataset.length, bytes: statSync(file).size, seconds };
}

function* copied(dataset: Dataset, files: EncodedFiles): Generator<PackRecord> {
  for (let row = 0; row < dataset.length; row++) {
    yield { bytes: readFile(dataset, files, row), label: dataset.labels[row] };
  }
}

function readFile(dataset: Dataset, files: EncodedFiles, row: number): Buffer {
  try {
    return files.read(row);
  } catch (cause) {
    const where = dataset.describe(row);
    throw new SampleError(`cannot read ${where}: ${(cause as Error).message}`, {
      where,
      hint: 'restore the file, or take it out of the dataset',
      cause,
    });
  }
}

async function* decoded(
  dataset: Dataset,
  { numWorkers, signal }: PackOptions,
): AsyncGenerator<PackRecord, void, undefined> {
  const size = imageBytes(dataset.imageShape);
  const batchSize = Math.min(Math.max(Math.floor(SLOTS / 3 / size), 1), 256);
  const loader = new DataLoader(dataset, { batchSize, numWorkers, signal });
  try {
    for await (const { pixels, labels } of loader) {
      for (const [i, label] of labels.entries()) {
        yield { bytes: pixels.subarray(i * size, (i + 1) * size), label };
      }
    }
  } finally {
    await loader.close();
  }
}

/** The records, with the progress told and the signal minded. */
async function* watched(
  records: Iterable<PackRecord> | AsyncIterable<PackRecord>,
  { onProgress, signal }: PackOptions,
): AsyncGenerator<PackRecord, void, undefined> {
  let images = 0;
  let told = performance.now();
  for await (const record of records) {
    if (signal?.aborted) throw new AbortedError('packing was aborted', { cause: signal.reason });
    yield record;
    images++;
    if (performance.now() - told < PROGRESS) continue;
    onProgress?.(images);
    told = performance.now();
    // A turn of the event loop, which copying small files does not need by itself, for signals to arrive.
    await new Promise(resolve => setImmediate(resolve));
  }
  onProgress?.(images);
}

function noFiles(file: string): ConfigError {
  return new ConfigError(`cannot pack image files into ${file}: the data are pixels already`, {
    where: 'encoding',
    hint: "leave the encoding out, or give 'raw'",
  });
}
