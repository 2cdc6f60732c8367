/** Parquet files: the footer, and the pages of every row group. */
import { strict as assert } from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openParquet } from '../../../src/data/parquet/open-parquet.js';
import { packageRoot } from '../../../src/package-root.js';
import type { FuzzTarget, OpenTarget, Seed } from '../target.js';

const names = [
  'plain',
  'null-bytes',
  'unlabelled',
  'codecs/brotli',
  'codecs/gzip',
  'codecs/lz4',
  'codecs/snappy',
  'codecs/zstd',
];

function seedOf(name: string): Seed {
  const bytes = readFileSync(join(packageRoot(), 'test/fixtures/parquet', `${name}.parquet`));
  const footer = bytes.readUInt32LE(bytes.length - 8);
  const start = bytes.length - 8 - footer;
  // Half of all edits of integers hit the footer, the other half lie anywhere.
  const inFooter = Array.from({ length: footer }, (_, i) => ({ at: start + i, width: 1 }) as const);
  return { bytes, fields: [{ at: bytes.length - 8, width: 4 }, ...inFooter] };
}

const parquet: FuzzTarget = {
  name: 'Parquet',
  count: 5_000,
  async open(folder): Promise<OpenTarget> {
    const path = join(folder, 'fuzzed.parquet');
    return {
      seeds: names.map(seedOf),
      async read(input) {
        writeFileSync(path, input);
        const splits = await openParquet(path);
        for (const file of Object.values(splits.files).flat()) {
          for await (const { numRows, columns } of file.rowGroups())
            for (const values of Object.values(columns)) assert.equal(values.length, numRows);
        }
      },
    };
  },
};

export const parquetTargets: readonly FuzzTarget[] = [parquet];
