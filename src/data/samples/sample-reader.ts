/**
 * Opens a `SampleSource` and writes its samples where they are wanted: the same code in decode threads, in the
 * calling thread, and behind `Dataset.get`.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { SampleError } from '../../errors.js';
import type { Dataset, Sample } from '../dataset.js';
import { type Decode, loadSharp, ShapeMismatch, sharpDecoder } from '../decode/decoder.js';
import { describeSample, filePath, imageBytes, needsDecoder, type SampleSource } from './sample-source.js';

/** Writes samples by index. Several may be under way at once. */
export interface SampleReader {
  /**
   * Writes the pixels of sample `index` into `target` (uint8, one image).
   *
   * @returns the label: at once where nothing had to be waited for
   * @throws SampleError naming file, row and dataset
   */
  read(index: number, target: Uint8Array): number | Promise<number>;
  close(): void;
}

export async function openReader(source: SampleSource): Promise<SampleReader> {
  return new SourceReader(source, needsDecoder(source) ? sharpDecoder(await loadSharp()) : undefined);
}

/** Asks a dataset without a source for its samples, one `get` each. */
export function datasetReader(dataset: Dataset): SampleReader {
  const read = async (index: number, target: Uint8Array): Promise<number> => {
    let sample: Sample;
    try {
      sample = await dataset.get(index);
    } catch (error) {
      throw error instanceof SampleError ? error : unusable(dataset, index, (error as Error).message, error);
    }
    return placeSample(dataset, index, sample, target);
  };
  return { read, close: () => undefined };
}

/**
 * Writes a sample of a dataset of the user's own where it belongs, and returns its label.
 *
 * @throws SampleError where it has another size or its label is no class
 */
export function placeSample(
  dataset: Dataset,
  index: number,
  { pixels, label }: Sample,
  target: Uint8Array,
): number {
  if (pixels.length !== target.length) {
    throw unusable(
      dataset,
      index,
      `it has ${pixels.length} bytes, an image of the dataset has ${target.length}`,
    );
  }
  if (!Number.isInteger(label) || label < 0 || label >= dataset.classes.length) {
    throw unusable(dataset, index, `its label is ${label}, outside 0 … ${dataset.classes.length - 1}`);
  }
  target.set(pixels);
  return label;
}

/** The error about a sample that a dataset of the user's own gave, or failed to give. */
export function unusable(dataset: Dataset, index: number, reason: string, cause?: unknown): SampleError {
  return new SampleError(`cannot use ${dataset.describe(index)}: ${reason}`, {
    where: dataset.describe(index),
    hint: "correct what the dataset's get returns",
    cause,
  });
}

class SourceReader implements SampleReader {
  readonly #source: SampleSource;
  readonly #decode?: Decode;
  readonly #size: number;
  /** Of the pack; opened once, as a position is given with every read. */
  readonly #descriptor?: number;
  /** Read buffers no decoder holds at the moment; there are as many as samples were ever under way. */
  readonly #buffers: Buffer[] = [];

  constructor(source: SampleSource, decode?: Decode) {
    this.#source = source;
    this.#decode = decode;
    this.#size = imageBytes(source.imageShape);
    if (source.storage.kind === 'pack') this.#descriptor = openSync(source.storage.file, 'r');
  }

  read(index: number, target: Uint8Array): number | Promise<number> {
    const { storage, rows, labels } = this.#source;
    const row = rows === undefined ? index : rows[index];
    if (storage.kind === 'raw') {
      target.set(storage.pixels.subarray(row * this.#size, (row + 1) * this.#size));
      return labels[index];
    }
    if (this.#decode !== undefined) return this.#readEncoded(this.#decode, index, row, target);
    try {
      this.#readRecord(row, () => Buffer.from(target.buffer, target.byteOffset, target.byteLength));
    } catch (error) {
      throw this.#sampleError(index, error);
    }
    return labels[index];
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
  }

  #readEncoded(decode: Decode, index: number, row: number, target: Uint8Array): number | Promise<number> {
    const { labels, imageShape, resize } = this.#source;
    let buffer = this.#buffers.pop() ?? Buffer.allocUnsafeSlow(0);
    const grow = (bytes: number): Buffer => {
      // Doubling, because files of slightly rising sizes would otherwise allocate every time.
      if (buffer.length < bytes) buffer = Buffer.allocUnsafeSlow(Math.max(bytes, 2 * buffer.length, 4096));
      return buffer.subarray(0, bytes);
    };
    try {
      const file = this.#readRecord(row, grow);
      const pending = decode(file, target, imageShape, resize);
      if (pending !== undefined) {
        return pending.then(
          () => {
            this.#buffers.push(buffer);
            return labels[index];
          },
          error => {
            throw this.#sampleError(index, error);
          },
        );
      }
    } catch (error) {
      throw this.#sampleError(index, error);
    }
    this.#buffers.push(buffer);
    return labels[index];
  }

  /** Reads a record or a file into what `room` gives for its length. Synchronous: 10 to 50 times the rate. */
  #readRecord(row: number, room: (bytes: number) => Buffer): Buffer {
    const { storage } = this.#source;
    if (storage.kind === 'files') return readFile(filePath(storage, row), room);
    if (storage.kind === 'raw') throw new TypeError('raw pixels have no records');
    const target = room(storage.offsets[row + 1] - storage.offsets[row]);
    readFully(this.#descriptor as number, target, storage.offsets[row]);
    return target;
  }

  #sampleError(index: number, cause: unknown): SampleError {
    const where = describeSample(this.#source, index);
    const reason = cause instanceof Error ? cause.message : String(cause);
    const verb = cause instanceof ShapeMismatch ? 'use' : 'decode';
    return new SampleError(`cannot ${verb} ${where}: ${reason}`, {
      where,
      hint:
        cause instanceof ShapeMismatch
          ? 'give the dataset an imageSize, and images of other sizes are resized to it'
          : 'the file is damaged or no image: replace it, or take it out of the dataset',
      cause,
    });
  }
}

function readFile(path: string, room: (bytes: number) => Buffer): Buffer {
  const descriptor = openSync(path, 'r');
  try {
    const target = room(fstatSync(descriptor).size);
    readFully(descriptor, target, 0);
    return target;
  } finally {
    closeSync(descriptor);
  }
}

function readFully(descriptor: number, target: Buffer, position: number): void {
  let done = 0;
  while (done < target.length) {
    const count = readSync(descriptor, target, done, target.length - done, position + done);
    if (count === 0) throw new Error(`the file ends ${target.length - done} bytes early`);
    done += count;
  }
}
