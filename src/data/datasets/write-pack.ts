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
 * whole or not there. Holds one record in memory at a time.
 *
 * @throws DatasetError where the records do not match the header; the temporary file is removed
 */
export async function writePack(
  file: string,
  header: PackHeader,
  records: Iterable<PackRecord> | AsyncIterable<PackRecord>,
): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
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
  const index = Buffer.alloc(8 * (count + 1) + 4 * count);
  const labels = index.subarray(8 * (count + 1));
  let end = head.length + index.length;
  let row = 0;
  index.writeBigUInt64LE(BigInt(end), 0);
  for await (const { bytes, label } of records) {
    if (row === count) throw mismatch(file, `more than the header's ${count} records came`);
    if (!Number.isInteger(label) || label < 0 || label >= classes.length) {
      throw mismatch(file, `the label of row ${row} is ${label}, outside 0 … ${classes.length - 1}`);
    }
    if (bytes.length === 0 || (encoding === 'raw' && bytes.length !== imageBytes(imageShape))) {
      throw mismatch(file, `row ${row} has ${bytes.length} bytes`);
    }
    await writeFully(handle, bytes, end);
    end += bytes.length;
    labels.writeInt32LE(label, 4 * row);
    row++;
    index.writeBigUInt64LE(BigInt(end), 8 * row);
  }
  if (row !== count) throw mismatch(file, `${row} records came, the header says ${count}`);
  await writeFully(handle, head, 0);
  await writeFully(handle, index, head.length);
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
