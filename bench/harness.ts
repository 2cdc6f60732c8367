/** What every bench shares: its settings, its report, and figures of repeated runs with median and spread. */

import { spreadOf } from '../src/statistics.js';
import type { Flags, ValuesOf } from './flags.js';
import type { PeerOptions } from './peer.js';

export interface Measurement {
  readonly name: string;
  /** Such as `img/s` or `ms`. */
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Every run after warm-up. */
  readonly runs: readonly number[];
  /** The median once more, as another quantity: a bandwidth beside a time, an efficiency beside a rate. */
  readonly also?: { readonly value: number; readonly unit: string };
  /** How this row stands to another one: `ratio` = this median / that row's median. */
  readonly against?: { readonly name: string; readonly ratio: number };
}

export interface BenchReport {
  /** Everything needed to run it again that no flag says: sizes, threads, layouts. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly rows: readonly Measurement[];
  /** Versions of the peers that took part, by name. */
  readonly versions?: Readonly<Record<string, string>>;
  /** Sentences for people: what was left out and why. */
  readonly notes?: readonly string[];
}

export interface BenchOptions<F extends Flags = Flags> {
  /** Whether the peer is to be measured too. */
  readonly peer: boolean;
  /** What `runPeer` needs to start and to end it. */
  readonly peerOptions: PeerOptions;
  /** Ends the bench: its threads are closed and its peers killed. */
  readonly signal: AbortSignal;
  /** The bench's own flags, read. */
  readonly values: ValuesOf<F>;
  /** Tells people what is being measured now. */
  say(line: string): void;
}

export interface Bench<F extends Flags = Flags> {
  readonly description: string;
  /** The peer that `--peer` runs. */
  readonly peer?: string;
  readonly flags?: F;
  run(options: BenchOptions<F>): Promise<BenchReport>;
}

/** @param runs at least one figure */
export function summarise(name: string, unit: string, runs: readonly number[]): Measurement {
  return { name, unit, ...spreadOf(runs) };
}

export function compare(row: Measurement, other: Measurement): Measurement {
  return { ...row, against: { name: other.name, ratio: row.median / other.median } };
}
