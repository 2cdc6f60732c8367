import { type ProgressState, plainLine } from './progress-text.js';
import type { ProgressStream, ProgressView } from './progress-view.js';

const lineEveryMs = 60_000;

/** Lines that a log file can hold: what is printed, and once a minute how far things are. */
export class PlainView implements ProgressView {
  readonly #stream: ProgressStream;
  #saidAtMs: number;

  constructor(stream: ProgressStream, nowMs: number) {
    this.#stream = stream;
    this.#saidAtMs = nowMs;
  }

  update(state: ProgressState, nowMs: number): void {
    if (nowMs - this.#saidAtMs < lineEveryMs) return;
    this.#saidAtMs = nowMs;
    this.#stream.write(`${plainLine(state)}\n`);
  }

  print(lines: readonly string[]): void {
    this.#stream.write(lines.map(line => `${line}\n`).join(''));
  }

  close(): void {}
}
