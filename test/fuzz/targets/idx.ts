/** IDX files: images, labels, plain and gzipped. */
import { strict as assert } from 'node:assert';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { IdxDataset } from '../../../src/data/datasets/idx.js';
import type { Random } from '../../../src/random.js';
import { idx, noise } from '../../data/fixtures.js';
import type { FuzzTarget, OpenTarget, Seed } from '../target.js';

const COUNT = 5;
const labels = idx(Uint8Array.of(0, 1, 2, 1, 0), [COUNT]);
const grey = idx(noise(COUNT, [4, 3]), [COUNT, 4, 3]);
const colour = idx(noise(COUNT, [2, 3, 3]), [COUNT, 2, 3, 3]);

const seedOf = (bytes: Buffer): Seed => ({
  bytes,
  fields: [
    { at: 2, width: 1 },
    { at: 3, width: 1 },
    ...Array.from({ length: bytes[3] }, (_, i) => ({ at: 4 + 4 * i, width: 4, bigEndian: true }) as const),
  ],
});

/** One in eight is gzipped, so that what comes out of it is hostile too. */
function sometimesGzipped(input: Buffer, random: Random): Buffer {
  return random.below(8) === 0 ? gzipSync(input, { level: 1 }) : input;
}

function target(
  name: string,
  count: number,
  seeds: readonly Buffer[],
  part: 'images' | 'labels',
): FuzzTarget {
  return {
    name,
    count,
    async open(folder): Promise<OpenTarget> {
      const files = { images: join(folder, 'images'), labels: join(folder, 'labels') };
      writeFileSync(files.images, grey);
      writeFileSync(files.labels, labels);
      return {
        seeds: [...seeds.map(seedOf), { bytes: gzipSync(seeds[0]) }],
        repair: sometimesGzipped,
        async read(input) {
          writeFileSync(files[part], input);
          const dataset = await IdxDataset.open(files.images, files.labels);
          const { storage, imageShape } = dataset.source;
          assert.ok(storage.kind === 'raw');
          assert.equal(storage.pixels.length, imageShape.reduce((a, b) => a * b) * dataset.length);
          assert.ok(dataset.labels.every(label => label >= 0 && label < dataset.classes.length));
        },
      };
    },
  };
}

export const idxTargets: readonly FuzzTarget[] = [
  target('IDX images', 100_000, [grey, colour], 'images'),
  target('IDX labels', 20_000, [labels], 'labels'),
];
