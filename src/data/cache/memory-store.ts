import { imageAddon } from '../image-addon.js';
import { isFull, type MemoryCache, markFull, RowState } from './pixel-cache.js';
import type { PixelStore } from './pixel-store.js';

export class MemoryStore implements PixelStore {
  readonly #cache: MemoryCache;

  constructor(cache: MemoryCache) {
    this.#cache = cache;
  }

  read(rows: Uint32Array, target: Uint8Array): number {
    const { segments, rowsPerSegment, rowBytes, states } = this.#cache;
    const { copyRows } = imageAddon();
    // Several segments hold so many bytes that their rows are large, or that memory is what is waited for.
    if (copyRows !== undefined && segments.length === 1)
      return copyRows(segments[0], states, RowState.full, rows, rowBytes, target);
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i];
      if (!isFull(this.#cache, row)) return i;
      const start = (row % rowsPerSegment) * rowBytes;
      const segment = segments[Math.floor(row / rowsPerSegment)];
      target.set(segment.subarray(start, start + rowBytes), i * rowBytes);
    }
    return rows.length;
  }

  write(row: number, pixels: Uint8Array): void {
    const { segments, rowsPerSegment, rowBytes, limit } = this.#cache;
    if (row >= limit) return;
    segments[Math.floor(row / rowsPerSegment)].set(pixels, (row % rowsPerSegment) * rowBytes);
    markFull(this.#cache, row);
  }

  close(): void {}
}
