import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { type CacheFileLayout, readHead } from './cache-file.js';
import { checksum } from './checksum.js';
import { type DiskCache, isFull, markFull, RowState } from './pixel-cache.js';
import type { PixelStore } from './pixel-store.js';

interface OpenFile {
  readonly descriptor: number;
  readonly layout: CacheFileLayout;
}

/** Reads rows to where they belong and writes them at their place in the file, both without waiting. */
export class DiskStore implements PixelStore {
  readonly #cache: DiskCache;
  /** Undefined where the file is gone or is another one by now: then nothing is read and nothing written. */
  readonly #file: OpenFile | undefined;
  readonly #sum = new Uint32Array(1);
  readonly #sumBytes = new Uint8Array(this.#sum.buffer);

  constructor(cache: DiskCache) {
    this.#cache = cache;
    this.#file = openFile(cache);
  }

  read(rows: Uint32Array, target: Uint8Array): number {
    const { states, rowBytes } = this.#cache;
    if (this.#file === undefined) return 0;
    for (let i = 0; i < rows.length; ) {
      const first = rows[i];
      if (Atomics.load(states, first) === RowState.empty) return i;
      let count = 1;
      // Rows that follow one another in the file cost one call.
      while (rows[i + count] === first + count && Atomics.load(states, first + count) !== RowState.empty)
        count++;
      const read = this.#readSpan(this.#file, first, count, target, i * rowBytes);
      if (read < count) return i + read;
      i += count;
    }
    return rows.length;
  }

  write(row: number, pixels: Uint8Array): void {
    const { limit, readOnly } = this.#cache;
    if (this.#file === undefined || row >= limit || readOnly[0] !== 0) return;
    const { descriptor, layout } = this.#file;
    try {
      writeFully(descriptor, pixels, layout.rowsAt + row * pixels.length);
      this.#sum[0] = sumOf(pixels);
      // After the row: with a checksum it counts as written.
      writeFully(descriptor, this.#sumBytes, layout.checksumsAt + 4 * row);
      markFull(this.#cache, row);
    } catch {
      // A full disk, most likely. What is cached is good; the rest is decoded each time.
      readOnly[0] = 1;
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file.descriptor);
  }

  /** Reads rows `first` … `first + count − 1`. @returns how many are good */
  #readSpan(
    { descriptor, layout }: OpenFile,
    first: number,
    count: number,
    target: Uint8Array,
    at: number,
  ): number {
    const { rowBytes } = this.#cache;
    const bytes = count * rowBytes;
    const got = readWhatIsThere(descriptor, target, at, bytes, layout.rowsAt + first * rowBytes);
    const whole = got === bytes ? count : Math.floor(got / rowBytes);
    for (let i = 0; i < whole; i++) {
      if (isFull(this.#cache, first + i)) continue;
      const row = target.subarray(at + i * rowBytes, at + (i + 1) * rowBytes);
      if (!this.#isSound(descriptor, layout, first + i, row)) return i;
    }
    return whole;
  }

  /** Compares a row that an earlier process wrote with its checksum. A row that differs is decoded anew. */
  #isSound(descriptor: number, layout: CacheFileLayout, row: number, pixels: Uint8Array): boolean {
    const got = readWhatIsThere(descriptor, this.#sumBytes, 0, 4, layout.checksumsAt + 4 * row);
    const sound = got === 4 && this.#sum[0] === sumOf(pixels);
    Atomics.store(this.#cache.states, row, sound ? RowState.full : RowState.empty);
    return sound;
  }
}

function openFile({ file, id }: DiskCache): OpenFile | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r+');
  } catch {
    return undefined;
  }
  const head = readHead(descriptor);
  if (head?.header.id === id) return { descriptor, layout: head.layout };
  closeSync(descriptor);
  return undefined;
}

/** A checksum that is never 0: that would mean an empty row. */
const sumOf = (pixels: Uint8Array): number => checksum(pixels) || 1;

/** @returns bytes read: fewer than asked for where the file was cut or the disk fails, and its rows are decoded then */
function readWhatIsThere(
  descriptor: number,
  target: Uint8Array,
  at: number,
  bytes: number,
  position: number,
): number {
  try {
    return readSync(descriptor, target, at, bytes, position);
  } catch {
    return 0;
  }
}

function writeFully(descriptor: number, bytes: Uint8Array, position: number): void {
  let done = 0;
  while (done < bytes.length) {
    done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
  }
}
