import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatasetError } from '../../errors.js';
import { imageBytes } from '../samples/sample-source.js';
import { encodePackHead, type PackHeader } from './pack-format.js';

export interface PackRecord {
  /** An image file, or uint8 HWC pixels where the pack's encoding is `raw`. */
  readonly bytes: Uint8Array;
  readonly label: number;
}

/**
 * Writes a pack: under a temporary name beside `file`, flushed to the disk, then renamed, so that `file` is
 * whole or not there. Holds one record and 1 MiB in memory at a time.
 *
 * @throws DatasetError where the records do not match the header; the temporary file is removed
 */
export async function writePack(
  file: string,
  header: PackHeader,
  records: Iterable<PackRecord> | AsyncIterable<PackRecord>,
): Promise<void> {
  // Random too: threads of one process may write the same pack at once.
  const temporary = `${file}.${process.pid}-${randomUUID().slice(0, 8)}.tmp`;
  const handle = await open(temporary, 'w');
  try {
    try {
      await writeTo(handle, file, header, records);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(file));
}

async function writeTo(
  handle: FileHandle,
  file: string,
  header: PackHeader,
  records: Iterable<PackRecord> | AsyncIterable<PackRecord>,
): Promise<void> {
  const { count, classes, encoding, imageShape } = header;
  const head = encodePackHead(header);
  const start = head.length + 8 * (count + 1) + 4 * count;
  const offsets = new Numbers(8);
  const labels = new Numbers(4);
  let end = start;
  let row = 0;
  const out = new PayloadWriter(handle, start);
  offsets.push(end);
  for await (const { bytes, label } of records) {
    if (row === count) throw mismatch(file, `more than the header's ${count} records came`);
    if (!Number.isInteger(label) || label < 0 || label >= classes.length) {
      throw mismatch(file, `the label of row ${row} is ${label}, outside 0 … ${classes.length - 1}`);
    }
    if (bytes.length === 0 || (encoding === 'raw' && bytes.length !== imageBytes(imageShape))) {
      throw mismatch(file, `row ${row} has ${bytes.length} bytes`);
    }
    const full = out.add(bytes);
    if (full !== undefined) await full;
    end += bytes.length;
    labels.push(label);
    offsets.push(end);
    row++;
  }
  if (row !== count) throw mismatch(file, `${row} records came, the header says ${count}`);
  await out.flush();
  await writeFully(handle, head, 0);
  await writeFully(handle, Buffer.concat([offsets.bytes, labels.bytes]), head.length);
}

/** Whole numbers one after the other, little-endian. Grows with them: a count that was claimed allocates nothing. */
class Numbers {
  readonly #width: 4 | 8;
  #buffer = Buffer.alloc(8192);
  #used = 0;

  /** @param width bytes of each: int32 or uint64 */
  constructor(width: 4 | 8) {
    this.#width = width;
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#used);
  }

  push(value: number): void {
    if (this.#used === this.#buffer.length) this.#buffer = Buffer.concat([this.#buffer], 2 * this.#used);
    if (this.#width === 4) this.#buffer.writeInt32LE(value, this.#used);
    else this.#buffer.writeBigUInt64LE(BigInt(value), this.#used);
    this.#used += this.#width;
  }
}

/** Writes small records many at a time: a write each costs more than most of them. */
class PayloadWriter {
  readonly #handle: FileHandle;
  readonly #buffer = Buffer.allocUnsafe(1 << 20);
  #used = 0;
  #position: number;

  constructor(handle: FileHandle, position: number) {
    this.#handle = handle;
    this.#position = position;
  }

  /** Takes `bytes`; what it returns is to be awaited before the next. */
  add(bytes: Uint8Array): Promise<void> | undefined {
    if (bytes.length > this.#buffer.length - this.#used) return this.#makeRoom(bytes);
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
    return undefined;
  }

  async flush(): Promise<void> {
    await writeFully(this.#handle, this.#buffer.subarray(0, this.#used), this.#position);
    this.#position += this.#used;
    this.#used = 0;
  }

  async #makeRoom(bytes: Uint8Array): Promise<void> {
    await this.flush();
    if (bytes.length > this.#buffer.length) {
      await writeFully(this.#handle, bytes, this.#position);
      this.#position += bytes.length;
    } else {
      this.#buffer.set(bytes);
      this.#used = bytes.length;
    }
  }
}

async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** Makes the rename itself durable. */
async function syncFolder(folder: string): Promise<void> {
  // Windows has no handles on folders, and journals renames by itself.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function mismatch(file: string, reason: string): DatasetError {
  return new DatasetError(`cannot write ${file}: ${reason}`, {
    where: file,
    hint: 'correct the header or the records; nothing was written',
  });
}
