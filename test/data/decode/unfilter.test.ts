/** All sequences of filters, all sizes of a pixel: TypeScript and C++ come to the same rows, which are the original's. */
import { deflateSync } from 'node:zlib';
import t from 'tap';
import { unpackCompiled, unpackPlain, unpacksCompiled } from '../../../src/data/decode/png-decoder.js';
import type { PngFile } from '../../../src/data/decode/png-file.js';
import { Purpose, Random } from '../../../src/random.js';
import { GuardedTarget } from './corpus.js';

const random = new Random({ seed: 5, purpose: Purpose.noise });

/** Source: PNG specification, third edition, 9.4, with branches. */
function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner;
  const toLeft = Math.abs(estimate - left);
  const toUp = Math.abs(estimate - up);
  const toCorner = Math.abs(estimate - corner);
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

/** The rows with a filter each, as an encoder writes them. */
function filtered(pixels: Uint8Array, rowBytes: number, samples: number, filters: readonly number[]): Buffer {
  const rows = filters.map((filter, y) => {
    const row = Buffer.alloc(rowBytes + 1);
    row[0] = filter;
    for (let x = 0; x < rowBytes; x++) {
      const at = (dy: number, dx: number): number =>
        y < dy || x < dx ? 0 : pixels[(y - dy) * rowBytes + x - dx];
      const [left, up, corner] = [at(0, samples), at(1, 0), at(1, samples)];
      const predicted = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
      row[x + 1] = pixels[y * rowBytes + x] - predicted;
    }
    return row;
  });
  return Buffer.concat(rows);
}

const unpackers = { unpackPlain, ...(unpacksCompiled() && { unpackCompiled }) };

t.test('random filters on random rows', async t => {
  const faults: string[] = [];
  for (let round = 0; round < 800; round++) {
    const samples = ([1, 2, 3, 4] as const)[round % 4];
    const [width, height] = [1 + random.below(round % 3 === 0 ? 3 : 40), 1 + random.below(9)];
    // In half of them with the two that are undone in pairs more often than not.
    const filters = Array.from({ length: height }, () =>
      round % 8 < 4 ? random.below(5) : [3, 4, 3, 4, random.below(5)][random.below(5)],
    );
    const rowBytes = width * samples;
    const pixels = Uint8Array.from({ length: height * rowBytes }, () => random.below(256));
    const stream = deflateSync(filtered(pixels, rowBytes, samples, filters));
    const png: PngFile = { width, height, samples, parts: [stream] };
    for (const [name, unpack] of Object.entries(unpackers)) {
      const target = new GuardedTarget(pixels.length);
      if (!unpack(png, target.pixels) || !target.intact || !Buffer.from(pixels).equals(target.pixels))
        faults.push(`${name}: ${height}x${width}x${samples}, filters ${filters}`);
    }
  }
  t.same(faults.slice(0, 5), [], `${faults.length} faults`);
});

/** Two rows of `corner` and all there is above it and beside: `[corner, up]` over `[left, what Paeth predicts]`. */
function paethRows(corner: number): { readonly filtered: Buffer; readonly pixels: Uint8Array } {
  const width = 2 * 256 * 256;
  const filtered = Buffer.alloc(2 * (width + 1));
  const pixels = new Uint8Array(2 * width);
  filtered[width + 1] = 4;
  let [before, aboveBefore] = [0, 0];
  for (let x = 0; x < width; x += 2) {
    const [left, up] = [x >> 9, (x >> 1) & 255];
    const predicted = paeth(left, up, corner);
    pixels[x] = filtered[x + 1] = corner;
    pixels[x + 1] = filtered[x + 2] = up;
    pixels[width + x] = left;
    pixels[width + x + 1] = predicted;
    filtered[width + x + 2] = left - paeth(before, corner, aboveBefore);
    [before, aboveBefore] = [predicted, up];
  }
  return { filtered, pixels };
}

t.test('all that Paeth can meet', async t => {
  const target = new Uint8Array(4 * 256 * 256);
  const faults: string[] = [];
  for (let corner = 0; corner < 256; corner++) {
    const { filtered, pixels } = paethRows(corner);
    const parts = [deflateSync(filtered, { level: 0 })];
    for (const [name, unpack] of Object.entries(unpackers))
      if (
        !unpack({ width: 2 * 256 * 256, height: 2, samples: 1, parts }, target) ||
        !Buffer.from(pixels).equals(target)
      )
        faults.push(`${name}, corner ${corner}`);
  }
  t.same(faults, []);
});
