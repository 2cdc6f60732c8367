/**
 * Image files through the real decode pool, each as one sample of a batch of three: it is decoded, or it ends its epoch
 * with a SampleError that names it; and the same threads then go on with the next.
 */
import { strict as assert } from 'node:assert';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataLoader } from '../../../src/data/data-loader.js';
import { ManifestDataset, type ManifestOptions } from '../../../src/data/datasets/manifest.js';
import { SampleError } from '../../../src/errors.js';
import type { FuzzTarget, OpenTarget, Seed } from '../target.js';

export interface ImageFormat {
  readonly extension: string;
  seedOf(file: Buffer): Seed;
  repair?(input: Buffer): Buffer;
}

/** @param files sound ones, of which the first comes before and after whatever is fuzzed */
export function imageTarget(
  name: string,
  { extension, seedOf, repair }: ImageFormat,
  options: ManifestOptions,
  files: () => Buffer[] | Promise<Buffer[]>,
): FuzzTarget {
  return {
    name,
    count: 2_500,
    growthLimit: 512,
    async open(folder): Promise<OpenTarget> {
      const sound = await files();
      const rows = ['first', 'fuzzed', 'last'].map(row => `${row}.${extension}`);
      for (const row of rows) writeFileSync(join(folder, row), sound[0]);
      const manifest = join(folder, 'list.csv');
      writeFileSync(manifest, ['path,label', ...rows.map(row => `${row},one`)].join('\n'));
      const dataset = await ManifestDataset.open(manifest, options);
      const loader = new DataLoader(dataset, { batchSize: rows.length, numWorkers: 2, timeout: 8 });
      const expected = Buffer.from((await dataset.get(0)).pixels);
      // The first epoch starts the threads, which is not the first input's to answer for.
      for await (const { size } of loader) assert.equal(size, rows.length);
      return {
        seeds: sound.map(seedOf),
        repair,
        async read(input) {
          writeFileSync(join(folder, rows[1]), input);
          try {
            for await (const { size, pixels } of loader) {
              assert.equal(size, rows.length);
              assert.ok(expected.equals(pixels.slice(0, expected.length)), 'the one before is as ever');
              assert.ok(expected.equals(pixels.slice(2 * expected.length)), 'the one after is as ever');
            }
          } catch (error) {
            if (error instanceof SampleError) assert.match(error.where ?? '', /fuzzed\./);
            throw error;
          }
        },
        close: () => loader.close(),
      };
    },
  };
}
