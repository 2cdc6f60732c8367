/** Packed datasets: header, index of lying offsets, labels, and rows read through it. */
import { strict as assert } from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PackDataset } from '../../../src/data/datasets/pack.js';
import { type PackHeader, PREAMBLE, packLayout } from '../../../src/data/datasets/pack-format.js';
import { type PackRecord, writePack } from '../../../src/data/datasets/write-pack.js';
import { noise, png } from '../../data/fixtures.js';
import type { FuzzTarget, OpenTarget, Seed } from '../target.js';

const raw: PackHeader = {
  count: 4,
  classes: ['ant', 'bee'],
  imageShape: [4, 3, 1],
  encoding: 'raw',
  source: 'fuzz',
  licence: 'MIT',
};
const encoded: PackHeader = {
  ...raw,
  count: 3,
  imageShape: [3, 4, 3],
  encoding: 'image',
  resize: { fit: 'cover', kernel: 'cubic', autoOrient: true },
};

async function seedOf(file: string, header: PackHeader, records: readonly PackRecord[]): Promise<Seed> {
  await writePack(file, header, records);
  const bytes = readFileSync(file);
  const length = bytes.readUInt32LE(12);
  const { offsetsAt, labelsAt } = packLayout(length, header.count);
  const lengthField = { at: 12, width: 4 } as const;
  const offsets = Array.from(
    { length: header.count + 1 },
    (_, row) => ({ at: offsetsAt + 8 * row, width: 8 }) as const,
  );
  const labels = Array.from(
    { length: header.count },
    (_, row) => ({ at: labelsAt + 4 * row, width: 4 }) as const,
  );
  return {
    bytes,
    fields: [{ at: 8, width: 4 }, lengthField, ...offsets, ...labels],
    json: { start: PREAMBLE, length, lengthField },
  };
}

const pack: FuzzTarget = {
  name: 'pack',
  count: 100_000,
  async open(folder): Promise<OpenTarget> {
    const file = join(folder, 'fuzzed.pack');
    const pixels = Array.from({ length: 4 }, (_, row) => noise(1, raw.imageShape, row + 1));
    const pictures = await Promise.all([1, 2, 3].map(row => png(noise(1, [3, 4, 3], row), [3, 4, 3])));
    const labelled = (bytes: Uint8Array, row: number): PackRecord => ({ bytes, label: row % 2 });
    return {
      seeds: [
        await seedOf(file, raw, pixels.map(labelled)),
        await seedOf(file, encoded, pictures.map(labelled)),
      ],
      tokens: ['"count":', '4294967295', '[65535,65535,3]', '"raw"', '"image"'],
      async read(input) {
        writeFileSync(file, input);
        const dataset = await PackDataset.open(file);
        const { storage, imageShape } = dataset.source;
        assert.ok(storage.kind === 'records');
        const { starts, lengths } = storage;
        for (let row = 0; row < dataset.length; row++)
          assert.ok(starts[row] + lengths[row] <= input.length, `row ${row} is inside the file`);
        const { pixels, label } = await dataset.get(0);
        assert.equal(pixels.length, imageShape[0] * imageShape[1] * imageShape[2]);
        assert.ok(label >= 0 && label < dataset.classes.length);
      },
    };
  },
};

export const packTargets: readonly FuzzTarget[] = [pack];
