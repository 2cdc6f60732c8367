/** Small datasets with known pixels. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import type { DataLoader } from '../../src/data/data-loader.js';
import type { PackRecord } from '../../src/data/datasets/write-pack.js';
import { Purpose, Random } from '../../src/random.js';

/** `count` noise images, uint8 [count, ...shape]. */
export function noise(count: number, shape: readonly number[], seed = 1): Uint8Array {
  const random = new Random({ seed, purpose: Purpose.initialisation });
  const length = shape.reduce((product, side) => product * side, count);
  return Uint8Array.from({ length }, () => random.below(256));
}

export function idx(elements: Uint8Array, sizes: readonly number[], type = 8): Buffer {
  const head = Buffer.alloc(4 + 4 * sizes.length);
  head[2] = type;
  head[3] = sizes.length;
  for (const [dimension, size] of sizes.entries()) head.writeUInt32BE(size, 4 + 4 * dimension);
  return Buffer.concat([head, elements]);
}

/** Grey or RGB pixels as a PNG. */
export async function png(pixels: Uint8Array, [height, width, channels]: readonly number[]): Promise<Buffer> {
  const image = sharp(pixels, { raw: { height, width, channels: channels as 1 | 3 } });
  return (channels === 1 ? image.toColourspace('b-w') : image).png().toBuffer();
}

export interface Folder {
  readonly root: string;
  /** Of each image in the dataset's order. */
  readonly pixels: readonly Uint8Array[];
  readonly labels: readonly number[];
}

/** A class folder each with `perClass` noise PNGs. */
export async function imageFolder(
  root: string,
  perClass: number,
  shape: readonly number[] = [6, 5, 1],
  classes: readonly string[] = ['ant', 'bee', 'cat'],
): Promise<Folder> {
  const bytes = shape.reduce((product, side) => product * side, 1);
  const all = noise(perClass * classes.length, shape);
  const pixels: Uint8Array[] = [];
  const labels: number[] = [];
  for (const [label, name] of classes.entries()) {
    mkdirSync(join(root, name), { recursive: true });
    for (let i = 0; i < perClass; i++) {
      const image = all.subarray(pixels.length * bytes, (pixels.length + 1) * bytes);
      writeFileSync(join(root, name, `${String(i).padStart(3, '0')}.png`), await png(image, shape));
      pixels.push(image);
      labels.push(label);
    }
  }
  return { root, pixels, labels };
}

export async function pngRecords(folder: Folder, shape: readonly number[]): Promise<PackRecord[]> {
  return Promise.all(
    folder.pixels.map(async (pixels, row) => ({
      bytes: await png(pixels, shape),
      label: folder.labels[row],
    })),
  );
}

export interface Copied {
  readonly epoch: number;
  readonly index: number;
  readonly indices: number[];
  readonly labels: number[];
  readonly pixels: Buffer;
}

/** One epoch, copied out of the slots. */
export async function readEpoch(loader: DataLoader): Promise<Copied[]> {
  const copies: Copied[] = [];
  for await (const { epoch, index, indices, labels, pixels } of loader) {
    copies.push({ epoch, index, indices: [...indices], labels: [...labels], pixels: Buffer.from(pixels) });
  }
  return copies;
}
