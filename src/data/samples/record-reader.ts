/** Reads the bytes of a row: of its file, or of its part of a larger one. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { checkFileBytes, defaultLimits } from '../decode/image-limits.js';
import { type FileTable, filePath, type Records } from './sample-source.js';

/** Where to put that many bytes. */
export type Room = (bytes: number) => Buffer;

export interface RecordReader {
  /**
   * Synchronous, since that is 10 to 50 times as fast as a promise for each small file.
   *
   * @throws Error of the system, OverLimit
   */
  read(row: number, room: Room): Buffer;
  close(): void;
}

/** @param maxBytes of a row: a larger one is refused before there is room made for it */
export function openRecords(
  storage: FileTable | Records,
  maxBytes = defaultLimits.maxFileBytes,
): RecordReader {
  if (storage.kind === 'records') return new RecordsReader(storage, maxBytes);
  return {
    read: (row, room) => readFile(filePath(storage, row), room, maxBytes),
    close: () => undefined,
  };
}

class RecordsReader implements RecordReader {
  readonly #records: Records;
  readonly #maxBytes: number;
  /** Opened when first needed and kept: a position is given with every read. */
  readonly #descriptors: number[] = [];

  constructor(records: Records, maxBytes: number) {
    this.#records = records;
    this.#maxBytes = maxBytes;
  }

  read(row: number, room: Room): Buffer {
    const { files, fileOf, starts, lengths } = this.#records;
    const file = fileOf === undefined ? 0 : fileOf[row];
    this.#descriptors[file] ??= openSync(files[file], 'r');
    checkFileBytes(lengths[row], this.#maxBytes);
    const target = room(lengths[row]);
    readFully(this.#descriptors[file], target, starts[row]);
    return target;
  }

  close(): void {
    // Sparse: only those that were opened.
    this.#descriptors.forEach(closeSync);
    this.#descriptors.length = 0;
  }
}

/** A file by itself. @throws Error of the system, OverLimit */
export function readWholeFile(path: string, maxBytes: number): Buffer {
  return readFile(path, bytes => Buffer.allocUnsafe(bytes), maxBytes);
}

/** Bytes to read at first: most small images, in one call and without asking for the size. */
const FIRST_READ = 16384;

/** Without waiting for the other end of a pipe: one may stand in the place of an image. Windows knows none in folders. */
const AT_ONCE = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

function readFile(path: string, room: Room, maxBytes: number): Buffer {
  const descriptor = openSync(path, AT_ONCE);
  try {
    const start = room(FIRST_READ);
    // A file gives less than is asked for at its end only.
    const length = readStart(descriptor, start);
    if (length < FIRST_READ) {
      checkFileBytes(length, maxBytes);
      return start.subarray(0, length);
    }
    const found = fstatSync(descriptor);
    // A device gives as much as is asked for.
    if (!found.isFile()) throw noFile();
    checkFileBytes(found.size, maxBytes);
    const target = room(found.size);
    readFully(descriptor, target, 0);
    return target;
  } finally {
    closeSync(descriptor);
  }
}

/** As `readSync`. @throws Error likewise; of a pipe, which has no position to read at, in words of its own */
function readStart(descriptor: number, target: Uint8Array): number {
  try {
    return readSync(descriptor, target, 0, target.length, 0);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ESPIPE' ? noFile() : error;
  }
}

const noFile = (): Error => new Error('it is no regular file');

/** @throws Error where the file ends before `target` is full */
export function readFully(descriptor: number, target: Uint8Array, position: number): void {
  let done = 0;
  while (done < target.length) {
    const count = readSync(descriptor, target, done, target.length - done, position + done);
    if (count === 0) throw new Error(`the file ends ${target.length - done} bytes early`);
    done += count;
  }
}
