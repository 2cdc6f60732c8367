/**
 * Where samples come from, as data that crosses to a decode thread: everything large in it lies in shared
 * memory, so a thread costs no copy of the file table.
 */
import { isAbsolute, sep } from 'node:path';
import type { ImageShape } from '../../protocol/batch.js';
import type { PixelCache } from '../cache/pixel-cache.js';
import type { Resize } from '../decode/decode.js';
import type { ImageLimits } from '../decode/image-limits.js';
import { type StringTable, stringAt } from './string-table.js';

/** Image files, one a row. */
export interface FileTable {
  readonly kind: 'files';
  readonly root: string;
  /** Relative to `root`, or absolute. */
  readonly paths: StringTable;
}

/** Records within one file or several: packs, tar shards. */
export interface Records {
  readonly kind: 'records';
  readonly files: readonly string[];
  /** Which of the files a row is in; shared memory. Absent: there is one file. */
  readonly fileOf?: Uint32Array;
  /** First byte of each row in its file; integers below 2⁵³, shared memory. */
  readonly starts: Float64Array;
  /** Bytes of each row; shared memory. */
  readonly lengths: Uint32Array;
  /** `image`: a file of any format the decoder reads; `raw`: the pixels themselves, uint8 HWC. */
  readonly encoding: 'image' | 'raw';
  /** What the rows are called within their file, for messages. */
  readonly names?: StringTable;
}

/** Decoded pixels, uint8 [count, height, width, channels], in shared memory. */
export interface RawPixels {
  readonly kind: 'raw';
  /** The file they were read from, for messages. */
  readonly file: string;
  readonly pixels: Uint8Array;
}

/** The rows of several sources, one source after the other. */
export interface Concatenated {
  readonly kind: 'concatenated';
  readonly parts: readonly SampleSource[];
  /** First row of each part, and the number of all rows; shared memory. */
  readonly starts: Uint32Array;
}

export interface SampleSource {
  /** Name of the dataset, for messages. */
  readonly name: string;
  readonly storage: FileTable | Records | RawPixels | Concatenated;
  readonly imageShape: ImageShape;
  /** How images of another size are brought to `imageShape`; absent: they are refused. */
  readonly resize?: Resize;
  /** How large its images may be; absent: as by default. */
  readonly limits?: ImageLimits;
  /** int32, one a sample, in shared memory. */
  readonly labels: Int32Array;
  /** Row of the storage for each sample (uint32, shared memory); absent: they are the same. */
  readonly rows?: Uint32Array;
  /** Decoded rows of the storage: read from it where they are there, kept in it where they are not. */
  readonly cache?: PixelCache;
}

/** Whether its samples have to be decoded, or are pixels already. */
export function needsDecoder({ storage }: SampleSource): boolean {
  if (storage.kind === 'concatenated') return storage.parts.some(needsDecoder);
  return storage.kind === 'files' || (storage.kind === 'records' && storage.encoding === 'image');
}

/** Bytes of one decoded image. */
export function imageBytes([height, width, channels]: ImageShape): number {
  return height * width * channels;
}

/** Rows of the storage, of which the samples may be some. */
export function storageRows({ storage, imageShape }: SampleSource): number {
  switch (storage.kind) {
    case 'concatenated':
      return storage.starts[storage.parts.length];
    case 'files':
      return storage.paths.offsets.length - 1;
    case 'records':
      return storage.lengths.length;
    case 'raw':
      return storage.pixels.length / imageBytes(imageShape);
  }
}

/** Row of the storage that sample `index` is. */
export function storageRow({ rows }: SampleSource, index: number): number {
  return rows === undefined ? index : rows[index];
}

export function filePath({ root, paths }: FileTable, row: number): string {
  const path = stringAt(paths, row);
  return isAbsolute(path) ? path : `${root}${sep}${path}`;
}

/** The part that a row is in, and its sample there. */
export function partOf(
  { starts }: Pick<Concatenated, 'starts'>,
  row: number,
): { part: number; index: number } {
  let part = 0;
  while (row >= starts[part + 1]) part++;
  return { part, index: row - starts[part] };
}

/** File, row and dataset of a sample. */
export function describeSample(source: SampleSource, index: number): string {
  const { storage, name } = source;
  const row = storageRow(source, index);
  switch (storage.kind) {
    case 'concatenated': {
      const { part, index: inPart } = partOf(storage, row);
      return describeSample(storage.parts[part], inPart);
    }
    case 'files':
      return `${filePath(storage, row)} (row ${row} of ${name})`;
    case 'records': {
      const file = storage.files[storage.fileOf?.[row] ?? 0];
      if (storage.names === undefined) return `row ${row} of ${file} (${name})`;
      return `${stringAt(storage.names, row)} in ${file} (row ${row} of ${name})`;
    }
    case 'raw':
      return `row ${row} of ${storage.file} (${name})`;
  }
}
