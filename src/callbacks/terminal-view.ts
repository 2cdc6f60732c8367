import { paintDots } from './live-plot.js';
import { type BarLine, barLine } from './progress-bar.js';
import { bars, type ProgressState } from './progress-text.js';
import type { ProgressStream, ProgressView } from './progress-view.js';

const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
const eraseToEnd = '\x1b[J';
/** Faster than this nobody can read, and a terminal over a slow line would hold training up. */
const redrawEveryMs = 100;

/** What stands below the bars, for a terminal of so many columns. */
export type BelowBars = (columns: number, nowMs: number) => readonly string[];

/** Two bars at the bottom, redrawn in place; printed lines scroll up above them. */
export class TerminalView implements ProgressView {
  readonly #stream: ProgressStream;
  readonly #color: boolean;
  readonly #below: BelowBars;
  #bars: readonly BarLine[] = [];
  #belowLines: readonly string[] = [];
  #drawn = '';
  #drawnLengths: readonly number[] = [];
  #drawnAtMs = Number.NEGATIVE_INFINITY;

  constructor(stream: ProgressStream, color: boolean, below: BelowBars = () => []) {
    this.#stream = stream;
    this.#color = color;
    this.#below = below;
    stream.write(hideCursor);
  }

  update(state: ProgressState, nowMs: number): void {
    if (nowMs - this.#drawnAtMs < redrawEveryMs) return;
    this.#bars = bars(state);
    this.#belowLines = this.#below(this.#columns, nowMs);
    const text = this.#barText();
    this.#drawnAtMs = nowMs;
    this.#stream.write(this.#erase() + text);
    this.#remember(text);
  }

  print(lines: readonly string[]): void {
    const erase = this.#erase();
    const text = this.#barText();
    this.#stream.write(`${erase}${lines.map(line => `${line}\n`).join('')}${text}`);
    this.#remember(text);
  }

  close(): void {
    this.#stream.write(this.#erase() + showCursor);
  }

  /** A terminal that does not know its width says 0. */
  get #columns(): number {
    return this.#stream.columns || 80;
  }

  #barText(): string {
    const lines = this.#bars.map(bar => barLine(bar, this.#columns, this.#color));
    return [...lines, ...this.#belowLines.map(line => (this.#color ? paintDots(line) : line))].join('\n');
  }

  #remember(text: string): void {
    this.#drawn = text;
    const plain = this.#bars.map(bar => barLine(bar, this.#columns, false));
    this.#drawnLengths = [...plain, ...this.#belowLines].map(({ length }) => Math.max(1, length));
  }

  /** Goes back to where the bars begin. A terminal made narrower since has wrapped them onto more rows. */
  #erase(): string {
    if (this.#drawn === '') return '';
    const rows = this.#drawnLengths.reduce((sum, length) => sum + Math.ceil(length / this.#columns), 0);
    return `\r${rows > 1 ? `\x1b[${rows - 1}A` : ''}${eraseToEnd}`;
  }
}
