/** A bench's figures for people, for a document, and for a program. */
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Environment } from '../src/run/environment.js';
import type { BenchReport, Measurement } from './harness.js';

export interface FullReport extends BenchReport {
  readonly bench: string;
  /** ISO 8601. */
  readonly date: string;
  readonly environment: Environment;
}

const header = ['', 'median', 'min – max', 'unit', 'also', 'ratio'];
/** Which columns are text; the others are figures and end alike. */
const leftAligned = new Set([0, 3, 5]);

/** Three significant digits, but never fewer than the whole part has. */
export function figure(value: number): string {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return value.toFixed(Math.min(digits, 6));
}

function cells({ name, median, min, max, unit, also, against }: Measurement): string[] {
  return [
    name,
    figure(median),
    `${figure(min)} – ${figure(max)}`,
    unit,
    also ? `${figure(also.value)} ${also.unit}` : '',
    against ? `${figure(against.ratio)} × ${against.name}` : '',
  ];
}

function show(value: unknown): string {
  return Array.isArray(value) ? value.join(', ') : String(value);
}

/** What it ran on and how, in two lines. */
function circumstances({ environment, settings, versions = {}, date }: FullReport): string[] {
  const { processor, cores, memoryBytes, platform, node, gradring, packages } = environment;
  const machine = `${processor}, ${cores} cores, ${(memoryBytes / 2 ** 30).toFixed(0)} GiB, ${platform}`;
  const all = { gradring, node, tfjs: packages['@tensorflow/tfjs-core'], ...versions };
  const software = Object.entries(all).map(([name, version]) => `${name} ${version}`);
  return [
    `${machine}; ${software.join(', ')}; ${date.slice(0, 10)}`,
    Object.entries(settings)
      .map(([name, value]) => `${name} ${show(value)}`)
      .join('; '),
  ];
}

/** Columns without any figure are left out. */
function grid(rows: readonly Measurement[]): { lines: string[][]; left: boolean[] } {
  const lines = [header, ...rows.map(cells)];
  const columns = header
    .map((_, i) => i)
    .filter(i => rows.length === 0 || lines.slice(1).some(line => line[i]));
  return {
    lines: lines.map(line => columns.map(i => line[i])),
    left: columns.map(i => leftAligned.has(i)),
  };
}

export function textTable(report: FullReport): string {
  const { lines, left } = grid(report.rows);
  const widths = left.map((_, i) => Math.max(...lines.map(line => line[i].length)));
  const table = lines.map(line =>
    line
      .map((cell, i) => (left[i] ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join('  ')
      .trimEnd(),
  );
  const notes = (report.notes ?? []).map(note => `* ${note}`);
  return [`bench ${report.bench}`, ...circumstances(report), '', ...table, '', ...notes].join('\n');
}

export function markdownTable(report: FullReport): string {
  const { lines, left } = grid(report.rows);
  const [head, ...body] = lines.map(line => `| ${line.join(' | ')} |`);
  const rule = `| ${left.map(isLeft => (isLeft ? ':--' : '--:')).join(' | ')} |`;
  const notes = (report.notes ?? []).map(note => `* ${note}`);
  const [machine, settings] = circumstances(report);
  return [`${machine}.`, `Settings: ${settings}.`, '', head, rule, ...body, '', ...notes].join('\n');
}

/** Never leaves half a file behind: written beside it, then renamed. */
export async function writeJson(file: string, report: FullReport): Promise<void> {
  const temporary = join(dirname(file), `.gradring-bench-${process.pid}.json`);
  try {
    await writeFile(temporary, `${JSON.stringify(report, null, 2)}\n`);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
