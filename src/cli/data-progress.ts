import type { DataProgress } from '../data/parquet/parquet-splits.js';

/** How far fetching the data has come, for people. */
export function progressText({ phase, done, total, what }: DataProgress): string {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
  return phase === 'download'
    ? `downloading ${what}: ${megabytes(done)} of ${megabytes(total)} MB`
    : `unpacking ${what}: ${done.toLocaleString('en')} of ${total.toLocaleString('en')} rows`;
}
