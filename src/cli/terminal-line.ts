/** Milliseconds between two writes: more often nobody sees. */
const INTERVAL = 100;

/** How far something has come, in one line on a terminal that is written over; elsewhere nothing. */
export class TerminalLine {
  readonly #stream: NodeJS.WriteStream;
  #shown = Number.NEGATIVE_INFINITY;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  readonly show = (text: string): void => {
    const now = performance.now();
    if (!this.#stream.isTTY || now - this.#shown < INTERVAL) return;
    this.#shown = now;
    this.#stream.write(`\r\x1b[K${text}`);
  };

  readonly clear = (): void => {
    if (this.#shown > 0) this.#stream.write('\r\x1b[K');
    this.#shown = Number.NEGATIVE_INFINITY;
  };
}
