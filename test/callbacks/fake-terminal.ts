/** A terminal that understands what the progress view writes, so that tests can look at the screen. */
export class FakeTerminal {
  readonly isTTY = true;
  columns: number;
  writes = 0;
  /** Changes of colour seen. */
  colors = 0;
  cursorShown = true;
  #lines: string[] = [''];
  #row = 0;
  #column = 0;

  constructor(columns: number) {
    this.columns = columns;
  }

  write(text: string): void {
    this.writes++;
    const [plain, ...sequences] = text.split('\x1b[');
    for (const character of plain) this.#put(character);
    for (const sequence of sequences) {
      const [code] = sequence.match(/^[?\d]*[A-Za-z]/)!;
      this.#control(code);
      for (const character of sequence.slice(code.length)) this.#put(character);
    }
  }

  /** What is seen, without empty lines at the end. */
  screen(): string[] {
    const lines = [...this.#lines];
    while (lines.at(-1) === '') lines.pop();
    return lines;
  }

  /** Wraps the lines as terminals do when made narrower; the cursor stays on its character. */
  resize(columns: number): void {
    this.columns = columns;
    const wrapped: string[] = [];
    for (const [row, line] of this.#lines.entries()) {
      if (row === this.#row) this.#row = wrapped.length + Math.max(0, Math.ceil(line.length / columns) - 1);
      for (let start = 0; start === 0 || start < line.length; start += columns)
        wrapped.push(line.slice(start, start + columns));
    }
    this.#lines = wrapped;
    this.#column = this.#lines[this.#row].length;
  }

  #put(character: string): void {
    if (character === '\r') this.#column = 0;
    else if (character === '\n') {
      this.#row++;
      this.#column = 0;
      this.#lines[this.#row] ??= '';
    } else {
      if (this.#column === this.columns) this.#put('\n');
      const line = this.#lines[this.#row].padEnd(this.#column);
      this.#lines[this.#row] = line.slice(0, this.#column) + character + line.slice(this.#column + 1);
      this.#column++;
    }
  }

  #control(code: string): void {
    if (code === '?25l') this.cursorShown = false;
    else if (code === '?25h') this.cursorShown = true;
    else if (code.endsWith('m')) this.colors++;
    else if (code.endsWith('A')) this.#row -= Number.parseInt(code, 10);
    else if (code === 'J') {
      this.#lines.length = this.#row + 1;
      this.#lines[this.#row] = this.#lines[this.#row].slice(0, this.#column);
    } else throw new Error(`the fake terminal does not know ESC[${code}`);
  }
}
