/** One thread's access to a `PixelCache`. */
import { DiskStore } from './disk-store.js';
import { LayeredStore } from './layered-store.js';
import { MemoryStore } from './memory-store.js';
import type { PixelCache } from './pixel-cache.js';

export interface PixelStore {
  /**
   * Copies rows to the front of `target`, one after the other, up to the first that is not there.
   *
   * @returns how many it copied
   */
  read(rows: Uint32Array, target: Uint8Array): number;
  /** Keeps a row, if there is room for it. Threads that write the same row write the same bytes. */
  write(row: number, pixels: Uint8Array): void;
  close(): void;
}

export function openStore(cache: PixelCache): PixelStore {
  if (cache.kind === 'memory') return new MemoryStore(cache);
  const file = new DiskStore(cache);
  return cache.copy ? new LayeredStore(new MemoryStore(cache.copy), file, cache.rowBytes) : file;
}
