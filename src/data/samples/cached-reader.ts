/** A source with a cache: decoded pixels are copied from it, and what is not there yet is decoded and kept. */
import { openStore, type PixelStore } from '../cache/pixel-store.js';
import type { SampleReader } from './sample-reader.js';
import { type SampleSource, storageRow } from './sample-source.js';
import { StorageRows } from './storage-rows.js';

export class CachedReader implements SampleReader {
  readonly #source: SampleSource;
  readonly #store: PixelStore;
  readonly #open: () => SampleReader;
  /** Opened at the first row that is not in the cache. */
  #decoding: SampleReader | undefined;
  readonly #one = new Uint32Array(1);
  readonly #rows: StorageRows;

  /** @param open opens the source without its cache */
  constructor(source: SampleSource, cache: NonNullable<SampleSource['cache']>, open: () => SampleReader) {
    this.#source = source;
    this.#store = openStore(cache);
    this.#open = open;
    this.#rows = new StorageRows(source);
  }

  read(index: number, target: Uint8Array): number | Promise<number> {
    const row = storageRow(this.#source, index);
    this.#one[0] = row;
    if (this.#store.read(this.#one, target) === 1) return this.#source.labels[index];
    this.#decoding ??= this.#open();
    const label = this.#decoding.read(index, target);
    if (typeof label !== 'number') return label.then(decoded => this.#keep(row, target, decoded));
    return this.#keep(row, target, label);
  }

  readRun(indices: Uint32Array, pixels: Uint8Array, labels: Int32Array): number {
    const done = this.#store.read(this.#rows.of(indices), pixels);
    for (let i = 0; i < done; i++) labels[i] = this.#source.labels[indices[i]];
    return done;
  }

  close(): void {
    this.#decoding?.close();
    this.#store.close();
  }

  #keep(row: number, pixels: Uint8Array, label: number): number {
    this.#store.write(row, pixels);
    return label;
  }
}
