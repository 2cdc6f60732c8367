import type { DataProgress } from '../data/parquet/parquet-splits.js';

/** Milliseconds between two writes: more often nobody sees. */
const INTERVAL = 100;

/** How far fetching the data has come, in one line on a terminal that is written over; elsewhere nothing. */
export class DataProgressLine {
  readonly #stream: NodeJS.WriteStream;
  #shown = Number.NEGATIVE_INFINITY;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  readonly show = (progress: DataProgress): void => {
    const now = performance.now();
    if (!this.#stream.isTTY || now - this.#shown < INTERVAL) return;
    this.#shown = now;
    this.#stream.write(`\r\x1b[K${progressText(progress)}`);
  };

  readonly clear = (): void => {
    if (this.#shown > 0) this.#stream.write('\r\x1b[K');
    this.#shown = Number.NEGATIVE_INFINITY;
  };
}

function progressText({ phase, done, total, what }: DataProgress): string {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
  return phase === 'download'
    ? `downloading ${what}: ${megabytes(done)} of ${megabytes(total)} MB`
    : `unpacking ${what}: ${done.toLocaleString('en')} of ${total.toLocaleString('en')} rows`;
}
