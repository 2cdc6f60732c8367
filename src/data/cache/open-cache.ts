/** Gives a source its cache: one for all loaders of the same storage. */
import { closeSync, fstatSync, openSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatasetError, LoaderError } from '../../errors.js';
import { readFully } from '../samples/record-reader.js';
import { imageBytes, needsDecoder, type SampleSource, storageRows } from '../samples/sample-source.js';
import { type CacheHeader, type CacheKey, createCacheFile, readHead } from './cache-file.js';
import { type CacheKind, type CacheOptions, checkCache, memoryShare } from './cache-options.js';
import { fingerprintOf, identityOf } from './fingerprint.js';
import { type DiskCache, type MemoryCache, type PixelCache, RowState } from './pixel-cache.js';

/** Bytes of a segment: Node.js 20 limits a typed array to 4 GiB, and one huge block is harder to get than several. */
const SEGMENT_BYTES = 2 ** 30;

/** Largest row whose copy in memory is worth its room: of larger ones, reading costs little more than copying. */
const LARGEST_COPIED_ROW = 16384;

/** Caches of this process that may still serve, by storage: subsets of a dataset have the same one. */
const caches = new WeakMap<SampleSource['storage'], Map<string, PixelCache>>();

/**
 * The source with a cache as `option` says; as it is where that would be a copy of what is cached already: pixels in
 * memory, or pixels in a file for a cache on disk.
 *
 * @throws LoaderError on unusable options, or where there is no room or no folder for it; DatasetError where a file of
 * the dataset is gone
 */
export function withCache(source: SampleSource, option: CacheKind | CacheOptions | undefined): SampleSource {
  const options = checkCache(option);
  if (options === undefined || holdsPixels(source, options.kind)) return source;
  const cache = options.kind === 'memory' ? memoryCache(source, options) : diskCache(source, options);
  return { ...source, cache };
}

function holdsPixels(source: SampleSource, kind: CacheKind): boolean {
  return source.storage.kind === 'raw' || (kind === 'disk' && !needsDecoder(source));
}

function memoryCache(source: SampleSource, { maxBytes }: CacheOptions): MemoryCache {
  const { imageShape, resize } = source;
  const key = JSON.stringify(['memory', maxBytes, imageShape, resize]);
  const rowBytes = imageBytes(imageShape);
  return shared(source, key, () => createMemory(storageRows(source), rowBytes, maxBytes ?? memoryShare()));
}

function createMemory(rows: number, rowBytes: number, maxBytes: number): MemoryCache {
  const limit = rowLimit(rows, rowBytes, maxBytes);
  const rowsPerSegment = Math.max(Math.floor(SEGMENT_BYTES / rowBytes), 1);
  const segments: Uint8Array[] = [];
  for (let first = 0; first < limit; first += rowsPerSegment) {
    segments.push(allocate(Math.min(rowsPerSegment, limit - first) * rowBytes));
  }
  return { kind: 'memory', rowBytes, limit, states: allocate(rows), segments, rowsPerSegment };
}

/** Zeros that the system provides when they are first written to. */
function allocate(bytes: number): Uint8Array {
  try {
    return new Uint8Array(new SharedArrayBuffer(bytes));
  } catch (cause) {
    throw new LoaderError(`cannot get ${bytes} bytes of memory for decoded images`, {
      where: "cache 'memory'",
      hint: "lower cache.maxBytes, or use cache: 'disk'",
      cause,
    });
  }
}

function diskCache(source: SampleSource, { maxBytes, folder = '' }: CacheOptions): DiskCache {
  const rows = storageRows(source);
  const rowBytes = imageBytes(source.imageShape);
  const file = join(folder, `${identityOf(source)}.pixels`);
  const wanted = { fingerprint: fingerprint(source), rows, rowBytes };
  const left = openLeft(file, wanted);
  const { id } = left ?? createCacheFile(file, wanted);
  const key = JSON.stringify(['disk', maxBytes, id]);
  return shared(source, key, () => {
    const limit = rowLimit(rows, rowBytes, maxBytes ?? diskShare(file));
    const states = left?.states ?? allocate(rows);
    const readOnly = new Int32Array(new SharedArrayBuffer(4));
    const copyBytes = Math.min(memoryShare() / 2, limit * rowBytes);
    const copy = rowBytes <= LARGEST_COPIED_ROW ? createMemory(rows, rowBytes, copyBytes) : undefined;
    return { kind: 'disk', rowBytes, limit, states, file, id, readOnly, copy };
  });
}

function fingerprint(source: SampleSource): string {
  try {
    return fingerprintOf(source);
  } catch (cause) {
    throw new DatasetError(`cannot look at a file of ${source.name}: ${(cause as Error).message}`, {
      where: source.name,
      hint: 'open the dataset again: it has changed since',
      cause,
    });
  }
}

/** Which rows an earlier process left; undefined where there is no file or it is about other pixels. */
function openLeft(
  file: string,
  wanted: CacheKey,
): (CacheHeader & { readonly states: Uint8Array }) | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r+');
  } catch {
    return undefined;
  }
  try {
    const head = readHead(descriptor);
    if (head === undefined || fstatSync(descriptor).size !== head.layout.size) return undefined;
    const { header, layout } = head;
    const { fingerprint, rows, rowBytes } = wanted;
    if (header.fingerprint !== fingerprint || header.rows !== rows || header.rowBytes !== rowBytes)
      return undefined;
    const checksums = new Uint32Array(rows);
    readFully(descriptor, new Uint8Array(checksums.buffer), layout.checksumsAt);
    const states = allocate(rows);
    for (let row = 0; row < rows; row++) if (checksums[row] !== 0) states[row] = RowState.unchecked;
    return { ...header, states };
  } catch {
    // Whatever is wrong with it, it is made anew.
    return undefined;
  } finally {
    closeSync(descriptor);
  }
}

/** Half of the space on the disk. */
function diskShare(file: string): number {
  const { bavail, bsize } = statfsSync(dirname(file));
  return (bavail * bsize) / 2;
}

function rowLimit(rows: number, rowBytes: number, maxBytes: number): number {
  return Math.min(rows, Math.floor(maxBytes / rowBytes));
}

function shared<C extends PixelCache>({ storage }: SampleSource, key: string, make: () => C): C {
  const ofStorage = caches.get(storage) ?? new Map<string, PixelCache>();
  caches.set(storage, ofStorage);
  const cache = ofStorage.get(key) ?? make();
  ofStorage.set(key, cache);
  // The key begins with the kind.
  return cache as C;
}
