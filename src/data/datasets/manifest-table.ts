/** Tables in text files: comma- and tab-separated values with a line of names, and JSON-lines. */
import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { DatasetError } from '../../errors.js';
import { nearest } from '../../nearest.js';

/** Of the files that are read as tables. */
export const manifestExtensions = ['.csv', '.tsv', '.jsonl', '.ndjson'] as const;

export interface ManifestTable {
  readonly file: string;
  /** In the order of the file; of JSON-lines those of the first line. */
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** Line of the file on which a row ends, from 1. */
  readonly lines: readonly number[];
}

/** @throws DatasetError naming file and line where it cannot be read, is no table, or has no rows */
export async function readManifest(path: string): Promise<ManifestTable> {
  const file = resolve(path);
  const text = await readText(file);
  const extension = extname(file).toLowerCase();
  const json = extension === '.jsonl' || extension === '.ndjson';
  const delimiter = extension === '.tsv' ? '\t' : ',';
  const table = json ? parseJsonLines(text, file) : await parseSeparated(text, file, delimiter);
  if (table.rows.length > 0) return table;
  throw new DatasetError(`${file} has no rows`, {
    where: file,
    hint: json
      ? 'write one {"path": …, "label": …} a line'
      : 'write a line of column names, such as path,label, and one line an image',
  });
}

/** File and line of a row. */
export function describeRow({ file, lines }: ManifestTable, row: number): string {
  return `${file}, line ${lines[row]}`;
}

/**
 * The name of a column.
 *
 * @param given by the user; must be there
 * @param usual names it may have otherwise, whatever their case
 * @param option that names it
 * @throws DatasetError saying which columns there are; undefined where none of the usual ones is
 */
export function findColumn(
  { file, columns }: ManifestTable,
  given: string | undefined,
  usual: readonly string[],
  option: string,
): string | undefined {
  if (given === undefined) {
    const found = usual.map(name => columns.find(column => column.toLowerCase() === name));
    return found.find(column => column !== undefined);
  }
  if (columns.includes(given)) return given;
  const meant = columns.length === 0 ? undefined : nearest(given, columns);
  throw new DatasetError(`${file} has no column '${given}'`, {
    where: option,
    hint: `${meant === undefined ? '' : `did you mean '${meant}'? `}its columns are ${columns.join(', ')}`,
  });
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new DatasetError(`cannot read ${file}: ${(cause as Error).message}`, {
      where: file,
      hint: 'check the path and its permissions',
      cause,
    });
  }
}

async function parseSeparated(text: string, file: string, delimiter: string): Promise<ManifestTable> {
  // Loaded by those who have such a file.
  const { parse, CsvError } = await import('csv-parse/sync');
  let columns: readonly string[] = [];
  const lines: number[] = [];
  try {
    const rows = parse<Record<string, string>>(text, {
      delimiter,
      bom: true,
      skip_empty_lines: true,
      columns: (names: string[]) => {
        columns = names.map(name => name.trim());
        return [...columns];
      },
      on_record: (record, context) => {
        lines.push(context.lines);
        return record;
      },
    });
    return { file, columns, rows, lines };
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw unreadable(file, Number(cause.lines), cause.message, cause);
  }
}

function parseJsonLines(text: string, file: string): ManifestTable {
  const rows: Record<string, unknown>[] = [];
  const lines: number[] = [];
  for (const [index, line] of text
    .replace(/^\ufeff/, '')
    .split('\n')
    .entries()) {
    if (line.trim() === '') continue;
    rows.push(parseLine(line, file, index + 1));
    lines.push(index + 1);
  }
  return { file, columns: Object.keys(rows[0] ?? {}), rows, lines };
}

function parseLine(text: string, file: string, line: number): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw unreadable(file, line, (cause as Error).message, cause);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw unreadable(file, line, 'it is no JSON object');
}

function unreadable(file: string, line: number, reason: string, cause?: unknown): DatasetError {
  const where = `${file}, line ${line}`;
  return new DatasetError(`cannot read ${where}: ${reason}`, {
    where,
    hint: 'every row needs as many values as there are columns; values with separators or quotes stand in "…"',
    cause,
  });
}
