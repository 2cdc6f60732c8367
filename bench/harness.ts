/**
 * What every bench shares: repeated measurements with median and spread, and peers run in the same call.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../src/package-root.js';

export interface Measurement {
  readonly name: string;
  /** Such as `img/s` or `ms`. */
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Every run after warm-up. */
  readonly runs: readonly number[];
  /** How this row stands to another one: `ratio` = this median / that row's median. */
  readonly against?: { readonly name: string; readonly ratio: number };
}

export interface BenchReport {
  /** Everything needed to run it again: sizes, threads, batch. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly rows: readonly Measurement[];
  /** Sentences for people: what was left out and why. */
  readonly notes?: readonly string[];
}

export interface Bench {
  readonly description: string;
  run(options: { peer: boolean }): Promise<BenchReport>;
}

export function summarise(name: string, unit: string, runs: readonly number[]): Measurement {
  const sorted = [...runs].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { name, unit, median, min: sorted[0], max: sorted[sorted.length - 1], runs };
}

/** Calls `once` for `warmup` + `runs` times; it returns the figure of one run. */
export async function measure(
  name: string,
  unit: string,
  once: () => Promise<number> | number,
  { warmup = 1, runs = 5 } = {},
): Promise<Measurement> {
  const figures: number[] = [];
  for (let run = -warmup; run < runs; run++) {
    const figure = await once();
    if (run >= 0) figures.push(figure);
  }
  return summarise(name, unit, figures);
}

export function compare(row: Measurement, other: Measurement): Measurement {
  return { ...row, against: { name: other.name, ratio: row.median / other.median } };
}

/** Runs `bench/peers/<script>` with Python; it prints one JSON value as its last line. */
export async function runPeer(script: string, args: readonly string[] = []): Promise<unknown> {
  const file = join(packageRoot(), 'bench', 'peers', script);
  const { stdout } = await promisify(execFile)('python3', [file, ...args], { maxBuffer: 1 << 26 });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? 'null');
}
