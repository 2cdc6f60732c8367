/**
 * The file of decoded pixels. With n the rows of the storage and P the bytes of an image:
 *
 *     byte 0       8               12             A                   B                B + r·P
 *     | "gradpix1" | header length | JSON header  | checksums uint32  | row 0 | row 1 … | row r | …
 *     |            | uint32        | utf-8        | [n]               | uint8 [P]
 *
 * A and B are rounded up to 4096; integers are little-endian. A checksum is the CRC-32 of its row, and 0 where the
 * row is not there (a CRC of 0 is written as 1). It is written after the row, so a crash leaves a file that is
 * good as far as it goes. The file has its full size from the start, with holes for what is not written yet.
 */

import { randomUUID } from 'node:crypto';
import { closeSync, ftruncateSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { LoaderError } from '../../errors.js';
import { readFully } from '../samples/record-reader.js';

const MAGIC = 'gradpix1';
const PAGE = 4096;
/** More than any header has: a damaged length must not allocate gigabytes. */
const MAX_HEADER = 1 << 20;

/** What the pixels depend on. Two files with the same have the same pixels in the same places. */
export interface CacheKey {
  readonly fingerprint: string;
  /** Rows of the storage. */
  readonly rows: number;
  readonly rowBytes: number;
}

export interface CacheHeader extends CacheKey {
  /** Another for each file ever made. */
  readonly id: string;
}

export interface CacheFileLayout {
  readonly checksumsAt: number;
  readonly rowsAt: number;
  /** Of the whole file. */
  readonly size: number;
}

const pages = (bytes: number): number => Math.ceil(bytes / PAGE) * PAGE;

function layoutOf(headerEnd: number, { rows, rowBytes }: CacheKey): CacheFileLayout {
  const checksumsAt = pages(headerEnd);
  const rowsAt = pages(checksumsAt + 4 * rows);
  return { checksumsAt, rowsAt, size: rowsAt + rows * rowBytes };
}

/** Header and layout of an open file; undefined where it is none. */
export function readHead(
  descriptor: number,
): { readonly header: CacheHeader; readonly layout: CacheFileLayout } | undefined {
  try {
    const start = Buffer.alloc(12);
    readFully(descriptor, start, 0);
    const length = start.readUInt32LE(8);
    if (start.toString('latin1', 0, 8) !== MAGIC || length > MAX_HEADER) return undefined;
    const json = Buffer.alloc(length);
    readFully(descriptor, json, 12);
    const header = JSON.parse(json.toString()) as CacheHeader;
    return { header, layout: layoutOf(12 + length, header) };
  } catch {
    // Whatever is wrong with it, it is made anew.
    return undefined;
  }
}

/**
 * Makes an empty file. It takes the name when it is whole: a process that has an older file of this name open
 * goes on with that one.
 *
 * @throws LoaderError where the folder cannot be written
 */
export function createCacheFile(file: string, key: CacheKey): CacheHeader {
  const id = randomUUID();
  const header: CacheHeader = { ...key, id };
  const json = Buffer.from(JSON.stringify(header));
  const head = Buffer.alloc(12 + json.length);
  head.write(MAGIC, 'latin1');
  head.writeUInt32LE(json.length, 8);
  json.copy(head, 12);
  const unfinished = `${file}.${id}`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    const descriptor = openSync(unfinished, 'wx');
    try {
      writeSync(descriptor, head);
      ftruncateSync(descriptor, layoutOf(head.length, key).size);
      renameSync(unfinished, file);
    } catch (error) {
      rmSync(unfinished, { force: true });
      throw error;
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    throw new LoaderError(`cannot make the cache file ${file}: ${(cause as Error).message}`, {
      where: 'cache',
      hint: "give cache a folder that can be written, or set GRADRING_CACHE; cache: 'memory' needs none",
      cause,
    });
  }
  return header;
}
