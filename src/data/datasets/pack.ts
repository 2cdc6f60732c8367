import { closeSync, fstatSync } from 'node:fs';
import { resolve } from 'node:path';
import { DatasetError } from '../../errors.js';
import type { ImageShape } from '../../protocol/batch.js';
import { checkLabels, sharedLabels } from '../dataset.js';
import { type ImageLimits, limitsOf } from '../decode/image-limits.js';
import { type ImageOptions, resizeOf } from '../decode/image-options.js';
import { imageBytes, type Records } from '../samples/sample-source.js';
import { openFile } from './open-file.js';
import { damaged, type PackHeader, type PackLayout, readExactly, readPackHead } from './pack-format.js';
import { SourceDataset } from './source-dataset.js';

/** Largest record that can be told in 32 bits. */
const MAX_RECORD = 0xffff_ffff;

/** A split in gradring's packed format (drawn in `pack-format.ts`). Records are read when they are wanted. */
export class PackDataset extends SourceDataset {
  /**
   * @param options how its images are read; default: as its header says. Raw pixels are as they are
   * @throws DatasetError naming the file, and the row where it is one record's fault; ConfigError
   */
  static async open(path: string, options: ImageOptions = {}): Promise<PackDataset> {
    const file = resolve(path);
    const descriptor = openFile(file);
    try {
      const { size } = fstatSync(descriptor);
      const { header, layout } = readPackHead(descriptor, file, size);
      const limits = limitsOf(options);
      requirePixels(file, header, limits);
      const offsets = readOffsets(descriptor, file, size, header, layout);
      const labels = readLabels(descriptor, file, header, layout);
      const { encoding, classes } = header;
      const { starts, lengths } = offsets;
      const imageShape = shapeAsked(header, options, file);
      const resize = encoding === 'image' ? (resizeOf(options) ?? header.resize) : undefined;
      const storage = { kind: 'records', files: [file], starts, lengths, encoding } as const;
      const look = { imageShape, resize, limits };
      return new PackDataset({ name: header.source, storage, ...look, labels }, classes);
    } finally {
      closeSync(descriptor);
    }
  }
}

/** A header may say what it likes: batches are allocated by it. @throws DatasetError */
function requirePixels(file: string, { imageShape }: PackHeader, { maxPixels }: ImageLimits): void {
  const [height, width] = imageShape;
  if (height * width <= maxPixels) return;
  throw new DatasetError(`images of ${file} are ${height}x${width}, maxPixels is ${maxPixels}`, {
    where: file,
    hint: 'if the pack is to be trusted, raise the limit',
  });
}

/** @throws DatasetError where pixels would have to be brought to another shape */
function shapeAsked(
  { encoding, imageShape }: PackHeader,
  { imageSize, channels }: ImageOptions,
  file: string,
): ImageShape {
  const [height, width] = imageSize ?? imageShape;
  const asked: ImageShape = [height, width, channels ?? imageShape[2]];
  if (encoding === 'image' || asked.join() === imageShape.join()) return asked;
  throw new DatasetError(`${file} holds pixels of ${imageShape.join('x')}, not of ${asked.join('x')}`, {
    where: file,
    hint: 'pack its source again with that size, or leave imageSize and channels out',
  });
}

function readOffsets(
  descriptor: number,
  file: string,
  size: number,
  { count, encoding, imageShape }: PackHeader,
  { offsetsAt, payloadAt }: PackLayout,
): Pick<Records, 'starts' | 'lengths'> {
  const bytes = readExactly(descriptor, offsetsAt, 8 * (count + 1));
  const starts = new Float64Array(new SharedArrayBuffer(8 * count));
  const lengths = new Uint32Array(new SharedArrayBuffer(4 * count));
  let end = payloadAt;
  for (let row = 0; row < count; row++) {
    const start = Number(bytes.readBigUInt64LE(8 * row));
    if (start !== end) throw damaged(file, `row ${row} starts at byte ${start}, expected ${end}`);
    end = Number(bytes.readBigUInt64LE(8 * (row + 1)));
    const length = end - start;
    if (length <= 0) throw damaged(file, `row ${row} ends before it starts`);
    if (end > size) throw damaged(file, `row ${row} reaches past the end of the file`);
    if (length > MAX_RECORD) throw damaged(file, `row ${row} has ${length} bytes`);
    if (encoding === 'raw' && length !== imageBytes(imageShape)) {
      throw damaged(file, `row ${row} has ${length} bytes, an image has ${imageBytes(imageShape)}`);
    }
    starts[row] = start;
    lengths[row] = length;
  }
  if (end !== size) throw damaged(file, `${size - end} bytes follow its last row, ${count - 1}`);
  return { starts, lengths };
}

function readLabels(
  descriptor: number,
  file: string,
  { count, classes }: PackHeader,
  { labelsAt }: PackLayout,
): Int32Array {
  const bytes = readExactly(descriptor, labelsAt, 4 * count);
  const labels = sharedLabels(Array.from({ length: count }, (_, row) => bytes.readInt32LE(4 * row)));
  checkLabels(labels, classes, row => `row ${row} of ${file}`);
  return labels;
}
