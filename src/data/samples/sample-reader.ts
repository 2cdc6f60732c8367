/**
 * Opens a `SampleSource` and writes its samples where they are wanted: the same code in decode threads, in the
 * calling thread, and behind `Dataset.get`.
 */
import { SampleError } from '../../errors.js';
import { type Decode, ShapeMismatch } from '../decode/decode.js';
import { defaultLimits, OverLimit } from '../decode/image-limits.js';
import { openDecoder } from '../decode/open-decoder.js';
import { imageAddon } from '../image-addon.js';
import { CachedReader } from './cached-reader.js';
import { openRecords, type RecordReader } from './record-reader.js';
import {
  type Concatenated,
  describeSample,
  type FileTable,
  imageBytes,
  partOf,
  type RawPixels,
  type Records,
  type SampleSource,
  storageRow,
} from './sample-source.js';
import { StorageRows } from './storage-rows.js';

/** Writes samples by index. Several may be under way at once. */
export interface SampleReader {
  /**
   * Writes the pixels of sample `index` into `target` (uint8, one image).
   *
   * @param position place of the sample in the epoch, from 0: for datasets of the user's that draw random numbers
   * @returns the label: at once where nothing had to be waited for
   * @throws SampleError naming file, row and dataset
   */
  read(index: number, target: Uint8Array, position?: number): number | Promise<number>;
  /**
   * Many samples at memory speed, for readers that can: writes the pixels of `indices` to the front of `pixels`, one
   * after the other, and their labels, up to the first sample that is not at hand.
   *
   * @returns how many it wrote
   */
  readRun?(indices: Uint32Array, pixels: Uint8Array, labels: Int32Array): number;
  close(): void;
}

/** @throws Error where the machine cannot open it */
export function openReader(source: SampleSource): SampleReader {
  const { storage, cache, ...uncached } = source;
  if (cache !== undefined) return new CachedReader(source, cache, () => openReader({ storage, ...uncached }));
  if (storage.kind === 'concatenated') return new PartsReader(source, storage);
  if (storage.kind === 'raw') return rawReader(source, storage);
  if (storage.kind === 'records' && storage.encoding === 'raw') return rawRecordsReader(source, storage);
  return new EncodedReader(source, storage);
}

/** Pixels in memory. */
function rawReader(source: SampleSource, { pixels }: RawPixels): SampleReader {
  const size = imageBytes(source.imageShape);
  const storageRows = new StorageRows(source);
  return {
    read(index, target) {
      const row = storageRow(source, index);
      target.set(pixels.subarray(row * size, (row + 1) * size));
      return source.labels[index];
    },
    readRun(indices, target, labels) {
      const rows = storageRows.of(indices);
      const copied = imageAddon().copyRows?.(pixels, undefined, 0, rows, size, target) ?? 0;
      for (let i = copied; i < rows.length; i++) {
        const start = rows[i] * size;
        target.set(pixels.subarray(start, start + size), i * size);
      }
      for (let i = 0; i < indices.length; i++) labels[i] = source.labels[indices[i]];
      return indices.length;
    },
    close: () => undefined,
  };
}

/** Pixels in a file: read to where they belong. */
function rawRecordsReader(source: SampleSource, storage: Records): SampleReader {
  const records = openRecords(storage, imageBytes(source.imageShape));
  return {
    read(index, target) {
      try {
        records.read(storageRow(source, index), () =>
          Buffer.from(target.buffer, target.byteOffset, target.byteLength),
        );
      } catch (error) {
        throw sampleError(source, index, error);
      }
      return source.labels[index];
    },
    close: () => records.close(),
  };
}

/** Image files, decoded. */
class EncodedReader implements SampleReader {
  readonly #source: SampleSource;
  readonly #records: RecordReader;
  readonly #decode: Decode;
  /** Read buffers no decoder holds at the moment; there are as many as samples were ever under way. */
  readonly #buffers: Buffer[] = [];

  constructor(source: SampleSource, storage: FileTable | Records) {
    this.#source = source;
    const { imageShape, resize, limits = defaultLimits } = source;
    this.#records = openRecords(storage, limits.maxFileBytes);
    this.#decode = openDecoder(imageShape, resize, limits.maxPixels);
  }

  read(index: number, target: Uint8Array): number | Promise<number> {
    let buffer = this.#buffers.pop() ?? Buffer.allocUnsafeSlow(0);
    const grow = (bytes: number): Buffer => {
      // Doubling, because files of slightly rising sizes would otherwise allocate every time.
      if (buffer.length < bytes) buffer = Buffer.allocUnsafeSlow(Math.max(bytes, 2 * buffer.length, 4096));
      return buffer.subarray(0, bytes);
    };
    try {
      const file = this.#records.read(storageRow(this.#source, index), grow);
      const pending = this.#decode(file, target);
      if (pending !== undefined) return this.#finish(pending, index, buffer);
    } catch (error) {
      throw sampleError(this.#source, index, error);
    }
    this.#buffers.push(buffer);
    return this.#source.labels[index];
  }

  close(): void {
    this.#records.close();
  }

  async #finish(pending: Promise<void>, index: number, buffer: Buffer): Promise<number> {
    try {
      await pending;
    } catch (error) {
      throw sampleError(this.#source, index, error);
    }
    this.#buffers.push(buffer);
    return this.#source.labels[index];
  }
}

/** Several sources, each opened when first needed. */
class PartsReader implements SampleReader {
  readonly #source: SampleSource;
  readonly #storage: Concatenated;
  readonly #readers: SampleReader[] = [];

  constructor(source: SampleSource, storage: Concatenated) {
    this.#source = source;
    this.#storage = storage;
  }

  read(index: number, target: Uint8Array): number | Promise<number> {
    const { part, index: inPart } = partOf(this.#storage, storageRow(this.#source, index));
    this.#readers[part] ??= openReader(this.#storage.parts[part]);
    const label = this.#readers[part].read(inPart, target);
    // The parts may number their classes otherwise than the whole.
    return typeof label === 'number'
      ? this.#source.labels[index]
      : label.then(() => this.#source.labels[index]);
  }

  close(): void {
    this.#readers.forEach(reader => {
      reader.close();
    });
    this.#readers.length = 0;
  }
}

function sampleError(source: SampleSource, index: number, cause: unknown): SampleError {
  const where = describeSample(source, index);
  const reason = cause instanceof Error ? cause.message : String(cause);
  const [verb, hint] = whatFailed(cause);
  return new SampleError(`cannot ${verb} ${where}: ${reason}`, { where, hint, cause });
}

function whatFailed(cause: unknown): [verb: string, hint: string] {
  if (cause instanceof ShapeMismatch)
    return ['use', 'give the dataset an imageSize, and images of other sizes are resized to it'];
  if (cause instanceof OverLimit)
    return ['use', 'if this image is to be trusted, raise the limit; or take it out of the dataset'];
  // An error of the system: there is nothing to say of what is in the file.
  if (cause instanceof Error && 'syscall' in cause)
    return ['read', 'check that the file is there and may be read, or take it out of the dataset'];
  return ['decode', 'the file is damaged or no image: replace it, or take it out of the dataset'];
}
