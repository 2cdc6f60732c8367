/**
 * What is kept of each training: its record under `docs/results/`, and its logits, which are too large for the
 * repository, under `runs/results/`. The logits are written first: where the record is, the training is done.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomically } from '../../src/atomic-write.js';
import { packageRoot } from '../../src/package-root.js';
import type { Environment } from '../../src/run/environment.js';

export interface EpochRecord {
  readonly epoch: number;
  readonly trainLoss: number;
  readonly validLoss: number;
  /** Shares, 0 … 1. */
  readonly trainAccuracy: number;
  readonly accuracy: number;
  readonly imagesPerSecond: number;
}

export interface RunRecord {
  readonly plan: string;
  readonly seed: number;
  readonly settings: object;
  /** ISO 8601. */
  readonly date: string;
  readonly environment: Environment;
  readonly engine: string;
  readonly precision: string;
  readonly devices: readonly string[];
  readonly parameters: number;
  readonly seconds: number;
  /** Of the last epoch's model on the 10,000 validation images, 0 … 1. */
  readonly accuracy: number;
  /** Of the mean of its logits for the images and their mirror images. */
  readonly mirroredAccuracy?: number;
  /** Of the mean of the logits of all the plan's seeds, in the record of the last one that was run. */
  readonly ensembleAccuracy?: number;
  readonly epochs: readonly EpochRecord[];
}

const recordFile = (plan: string, seed: number): string =>
  join(packageRoot(), 'docs', 'results', `${plan}-${seed}.json`);
const logitsFile = (plan: string, seed: number): string =>
  join(packageRoot(), 'runs', 'results', `${plan}-${seed}.f32`);

/** Where a training keeps its checkpoint until it is done. */
export const checkpointFolder = (plan: string, seed: number): string =>
  join(packageRoot(), 'runs', 'results', `${plan}-${seed}`);

export function readRecord(plan: string, seed: number): RunRecord | undefined {
  const file = recordFile(plan, seed);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as RunRecord) : undefined;
}

/** float32 [samples, classes]; undefined where this machine did not make them. */
export function readLogits(plan: string, seed: number): Float32Array | undefined {
  const file = logitsFile(plan, seed);
  return existsSync(file) ? new Float32Array(new Uint8Array(readFileSync(file)).buffer) : undefined;
}

export function save(record: RunRecord, logits: Float32Array): void {
  mkdirSync(join(packageRoot(), 'runs', 'results'), { recursive: true });
  mkdirSync(join(packageRoot(), 'docs', 'results'), { recursive: true });
  writeAtomically(logitsFile(record.plan, record.seed), new Uint8Array(logits.buffer));
  writeAtomically(recordFile(record.plan, record.seed), `${JSON.stringify(record, null, 2)}\n`);
  rmSync(checkpointFolder(record.plan, record.seed), { recursive: true, force: true });
}
