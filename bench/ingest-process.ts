/**
 * A process that copies one Parquet file to a pack and ends, so that its memory is that of the copying.
 *
 *     node ingest-process.js FILE FOLDER
 *
 * Prints an `Ingested`.
 */
import { openParquet } from '../src/data/parquet/open-parquet.js';
import { startPeakMemory } from './peak-memory.js';

export interface Ingested {
  readonly rows: number;
  readonly seconds: number;
  /** Resident beyond what the process had once its code was loaded; null where the system does not tell. */
  readonly peakBytes: number | null;
}

const [file, cacheDir] = process.argv.slice(2);
const peak = startPeakMemory();
const start = performance.now();
const splits = await openParquet(file, { cacheDir });
const { length: rows } = await splits.dataset('train');
const seconds = (performance.now() - start) / 1000;
console.log(JSON.stringify({ rows, seconds, peakBytes: peak?.() ?? null } satisfies Ingested));
