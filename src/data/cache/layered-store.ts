import type { PixelStore } from './pixel-store.js';

/** Rows of a file, and in memory those that were read before: a system call for each small row would be the most of it. */
export class LayeredStore implements PixelStore {
  readonly #memory: PixelStore;
  readonly #file: PixelStore;
  readonly #rowBytes: number;

  constructor(memory: PixelStore, file: PixelStore, rowBytes: number) {
    this.#memory = memory;
    this.#file = file;
    this.#rowBytes = rowBytes;
  }

  read(rows: Uint32Array, target: Uint8Array): number {
    const held = this.#memory.read(rows, target);
    if (held === rows.length) return held;
    const rest = rows.subarray(held);
    const pixels = target.subarray(held * this.#rowBytes);
    const read = this.#file.read(rest, pixels);
    for (let i = 0; i < read; i++) {
      this.#memory.write(rest[i], pixels.subarray(i * this.#rowBytes, (i + 1) * this.#rowBytes));
    }
    return held + read;
  }

  write(row: number, pixels: Uint8Array): void {
    this.#file.write(row, pixels);
    this.#memory.write(row, pixels);
  }

  close(): void {
    this.#file.close();
    this.#memory.close();
  }
}
