import { isFull, type MemoryCache, markFull } from './pixel-cache.js';
import type { PixelStore } from './pixel-store.js';

export class MemoryStore implements PixelStore {
  readonly #cache: MemoryCache;

  constructor(cache: MemoryCache) {
    this.#cache = cache;
  }

  read(rows: Uint32Array, target: Uint8Array): number {
    const { segments, rowsPerSegment, rowBytes } = this.#cache;
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
