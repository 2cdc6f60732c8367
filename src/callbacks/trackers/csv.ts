import { readFileSync } from 'node:fs';
import { fileError, writeAtomically } from '../../atomic-write.js';
import type { RunInfo, TrackedValues, Tracker } from '../../learner/tracker.js';
import { AppendedFile } from './appended-file.js';

interface Row {
  readonly step: number;
  readonly time: string;
  readonly values: TrackedValues;
}

/**
 * A table (RFC 4180) with a line for each `log`: `step`, `time`, and a column for each name, empty where nothing was
 * logged under it. A name that turns up later gets a column at the end: the file is then written anew under a
 * temporary name and renamed. Settings and outcome have no place in it.
 */
export class CsvTracker implements Tracker {
  readonly #path: string;
  readonly #now: () => Date;
  #file?: AppendedFile;
  #columns: string[] = [];
  #rows: Row[] = [];

  /** @param path continued if it is there, with its columns */
  constructor(path: string, { now = () => new Date() }: { now?: () => Date } = {}) {
    this.#path = path;
    this.#now = now;
  }

  /** @throws RunFolderError */
  start(_run: RunInfo): void {
    this.#file = new AppendedFile(this.#path);
    const text = this.#read();
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    // A crash may have torn the last line: a row that lacks its end would be read as one with other values.
    if (whole.length < text.length) writeAtomically(this.#path, whole);
    this.#columns = whole === '' ? [] : headerOf(whole);
    this.#rows = [];
  }

  log(values: TrackedValues, step: number): void {
    this.#rows.push({ step, time: this.#now().toISOString(), values });
  }

  /** @throws RunFolderError */
  flush(): void {
    if (this.#rows.length === 0) return;
    const known = new Set(this.#columns);
    const names = ['step', 'time', ...this.#rows.flatMap(({ values }) => Object.keys(values).map(oneLine))];
    const added = [...new Set(names.filter(name => !known.has(name)))];
    if (added.length > 0) this.#addColumns(added);
    for (const row of this.#rows) this.#file?.add(this.#line(row));
    this.#rows = [];
    this.#file?.flush();
  }

  finish(): void {
    this.flush();
  }

  #line({ step, time, values }: Row): string {
    const cells = new Map<string, string | number>([
      ...Object.entries(values).map(([name, value]) => [oneLine(name), value] as const),
      ['step', step],
      ['time', time],
    ]);
    return `${this.#columns.map(column => cells.get(column) ?? '').join(',')}\n`;
  }

  #addColumns(added: readonly string[]): void {
    const [, ...lines] = this.#read().split('\n').slice(0, -1);
    this.#columns.push(...added);
    const header = this.#columns.map(quoted).join(',');
    const padding = ','.repeat(added.length);
    writeAtomically(
      this.#path,
      [header, ...lines.map(line => line + padding)].map(line => `${line}\n`).join(''),
    );
  }

  #read(): string {
    try {
      return readFileSync(this.#path, 'utf8');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return '';
      throw fileError('read', this.#path, cause);
    }
  }
}

/** A line of the file is a line of the table: names must not break it. */
const oneLine = (name: string): string => name.replace(/[\r\n]+/g, ' ');

const quoted = (name: string): string => (/[",]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name);

/** Names in the first line. */
function headerOf(text: string): string[] {
  const line = text.slice(0, text.indexOf('\n'));
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, inQuotes, plain]) =>
    inQuotes === undefined ? plain : inQuotes.replaceAll('""', '"'),
  );
}
