/**
 * What a cache of decoded pixels is, as data that crosses to threads. It holds rows of a source's storage, not
 * samples: the subsets of a dataset share one cache, whatever rows they take.
 */

/** What a byte of `states` says of its row. */
export const RowState = {
  /** Not in the cache, or being written. */
  empty: 0,
  /** Whole, and written or checked by this process. */
  full: 1,
  /** In the file, left by an earlier process: compared with its checksum when it is first read. */
  unchecked: 2,
} as const;

interface RowStates {
  /** Bytes of a row: one image, uint8 HWC. */
  readonly rowBytes: number;
  /** A `RowState` for each row of the storage; shared memory. */
  readonly states: Uint8Array;
  /** Rows below it are kept; those from it on are decoded each time. */
  readonly limit: number;
}

/** Rows in shared memory. Row r is in segment ⌊r / rowsPerSegment⌋. */
export interface MemoryCache extends RowStates {
  readonly kind: 'memory';
  readonly segments: readonly Uint8Array[];
  readonly rowsPerSegment: number;
}

/** Rows in a file (drawn in `cache-file.ts`), which every thread opens for itself. */
export interface DiskCache extends RowStates {
  readonly kind: 'disk';
  readonly file: string;
  /** Of the file that `states` tells about: another file may have taken its name. */
  readonly id: string;
  /** Rows that were read from the file or written to it, for as many as there is room for. */
  readonly copy?: MemoryCache;
  /** Not zero: the file cannot be written any more, the disk being full, say. int32 [1], shared memory. */
  readonly readOnly: Int32Array;
}

export type PixelCache = MemoryCache | DiskCache;

/** Whether the row may be copied out of the cache. */
export function isFull({ states }: PixelCache, row: number): boolean {
  // Acquires the pixels of whoever wrote them: pairs with markFull.
  return Atomics.load(states, row) === RowState.full;
}

/** After the pixels: whoever sees it may read them. */
export function markFull({ states }: PixelCache, row: number): void {
  Atomics.store(states, row, RowState.full);
}
