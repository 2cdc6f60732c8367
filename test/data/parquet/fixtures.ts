/** What the files of test/fixtures/parquet hold, by the program that wrote them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Dataset } from '../../../src/data/dataset.js';
import { packageRoot } from '../../../src/package-root.js';

export const fixtures = join(packageRoot(), 'test', 'fixtures', 'parquet');

interface Expected {
  readonly names: readonly string[];
  readonly train: number;
  readonly test: number;
  readonly labels: readonly number[];
  readonly captions: readonly string[];
}

export const expected: Expected = JSON.parse(readFileSync(join(fixtures, 'expected.json'), 'utf8'));
const pixels = readFileSync(join(fixtures, 'expected.bin'));

/** Pixels of image `row` of all, the training images first, as Pillow decodes them. */
export const pixelsOf = (row: number): Uint8Array => pixels.subarray(784 * row, 784 * (row + 1));

/** Pixels of a whole dataset. */
export async function allPixels(dataset: Dataset): Promise<Buffer> {
  const samples = [];
  for (let row = 0; row < dataset.length; row++) samples.push((await dataset.get(row)).pixels);
  return Buffer.concat(samples);
}

export const trainPixels = pixels.subarray(0, 784 * expected.train);
export const testPixels = pixels.subarray(784 * expected.train);
