/**
 * Where samples come from, as data that crosses to a decode thread: everything large in it lies in shared
 * memory, so a thread costs no copy of the file table.
 */
import { join } from 'node:path';
import type { ImageShape } from '../../protocol/batch.js';

/**
 * Paths of image files, relative to `root`, in shared memory:
 *
 *     text     utf-8 bytes of all paths, one after the other
 *     offsets  uint32[count + 1]: path i is text[offsets[i] … offsets[i + 1])
 */
export interface FileTable {
  readonly kind: 'files';
  readonly root: string;
  readonly text: Uint8Array;
  readonly offsets: Uint32Array;
}

/** Records of one file; record i is its bytes offsets[i] … offsets[i + 1]. */
export interface PackedRecords {
  readonly kind: 'pack';
  readonly file: string;
  /** Absolute byte positions, [count + 1], in shared memory; integers below 2⁵³. */
  readonly offsets: Float64Array;
  /** `image`: a file of any format the decoder reads; `raw`: the pixels themselves, uint8 HWC. */
  readonly encoding: 'image' | 'raw';
}

/** Decoded pixels, uint8 [count, height, width, channels], in shared memory. */
export interface RawPixels {
  readonly kind: 'raw';
  /** The file they were read from, for messages. */
  readonly file: string;
  readonly pixels: Uint8Array;
}

export interface SampleSource {
  /** Name of the dataset, for messages. */
  readonly name: string;
  readonly storage: FileTable | PackedRecords | RawPixels;
  readonly imageShape: ImageShape;
  /** Resize images of another size to `imageShape`; otherwise they are refused. */
  readonly resize: boolean;
  /** int32, one a sample, in shared memory. */
  readonly labels: Int32Array;
  /** Row of the storage for each sample (uint32, shared memory); absent: they are the same. */
  readonly rows?: Uint32Array;
}

/** Whether its samples have to be decoded, or are pixels already. */
export function needsDecoder({ storage }: SampleSource): boolean {
  return storage.kind === 'files' || (storage.kind === 'pack' && storage.encoding === 'image');
}

/** Bytes of one decoded image. */
export function imageBytes([height, width, channels]: ImageShape): number {
  return height * width * channels;
}

export function fileTable(root: string, paths: readonly string[]): FileTable {
  const encoder = new TextEncoder();
  const encoded = paths.map(path => encoder.encode(path));
  const length = encoded.reduce((sum, bytes) => sum + bytes.length, 0);
  const text = new Uint8Array(new SharedArrayBuffer(length));
  const offsets = new Uint32Array(new SharedArrayBuffer((paths.length + 1) * Uint32Array.BYTES_PER_ELEMENT));
  for (const [row, bytes] of encoded.entries()) {
    text.set(bytes, offsets[row]);
    offsets[row + 1] = offsets[row] + bytes.length;
  }
  return { kind: 'files', root, text, offsets };
}

export function filePath(table: FileTable, row: number): string {
  // A copy, because TextDecoder and Buffer's own decoding refuse or race on shared memory.
  const bytes = Buffer.from(table.text.slice(table.offsets[row], table.offsets[row + 1]));
  return join(table.root, bytes.toString('utf8'));
}

/** File, row and dataset of a sample. */
export function describeSample(source: SampleSource, index: number): string {
  const { storage, name, rows } = source;
  const row = rows === undefined ? index : rows[index];
  if (storage.kind === 'files') return `${filePath(storage, row)} (row ${row} of ${name})`;
  return `row ${row} of ${storage.file} (${name})`;
}
