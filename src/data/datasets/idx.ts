/**
 * IDX files, the format of MNIST and its followers (http://yann.lecun.com/exdb/mnist/, "the IDX file format"):
 *
 *     byte 0    2      3       4                          4 + 4·rank
 *     | 0 0 | type | rank | sizes uint32[rank], big-endian | elements … |
 */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { constants, gunzip } from 'node:zlib';
import { DatasetError } from '../../errors.js';
import type { ImageShape } from '../../protocol/batch.js';
import { checkLabels, sharedLabels } from '../dataset.js';
import { SourceDataset } from './source-dataset.js';

const UINT8 = 0x08;
const SIZES = 4;

export interface IdxOptions {
  /** Class names by label. Default: the labels themselves, "0" up to the largest. */
  readonly classes?: readonly string[];
  /** Name of the dataset in messages. Default: the image file. */
  readonly name?: string;
}

/** Images and labels from a pair of IDX files, plain or gzipped; the pixels lie in shared memory. */
export class IdxDataset extends SourceDataset {
  /**
   * @param images uint8 [count, height, width] or [count, height, width, channels]
   * @param labels uint8 [count]
   * @throws DatasetError naming the file and what is wrong with it
   */
  static async open(images: string, labels: string, options: IdxOptions = {}): Promise<IdxDataset> {
    const file = resolve(images);
    const [pixels, classes] = await Promise.all([readIdx(file, [3, 4]), readIdx(resolve(labels), [1])]);
    const [count, height, width, channels = 1] = pixels.sizes;
    if (count === 0 || height * width * channels === 0) throw damaged(file, 'it holds no pixels');
    if (channels !== 1 && channels !== 3) throw damaged(file, `images have ${channels} channels, not 1 or 3`);
    if (classes.sizes[0] !== count) {
      throw new DatasetError(
        `${file} has ${count} images, ${resolve(labels)} has ${classes.sizes[0]} labels`,
        {
          where: resolve(labels),
          hint: 'give the label file that belongs to the image file',
        },
      );
    }
    const shared = sharedLabels(classes.elements);
    const largest = shared.reduce((most, label) => Math.max(most, label), 0);
    const names = options.classes ?? Array.from({ length: largest + 1 }, (_, label) => String(label));
    checkLabels(shared, names, row => `row ${row} of ${resolve(labels)}`);
    const memory = new Uint8Array(new SharedArrayBuffer(pixels.elements.length));
    memory.set(pixels.elements);
    const imageShape: ImageShape = [height, width, channels];
    const storage = { kind: 'raw', file, pixels: memory } as const;
    const name = options.name ?? file;
    return new IdxDataset({ name, storage, imageShape, labels: shared }, names);
  }
}

async function readIdx(
  file: string,
  ranks: readonly number[],
): Promise<{ sizes: number[]; elements: Uint8Array }> {
  const bytes = await readPlain(file);
  if (bytes.length < SIZES || bytes[0] !== 0 || bytes[1] !== 0)
    throw damaged(file, 'it does not start as an IDX file');
  const [, , type, rank] = bytes;
  if (type !== UINT8)
    throw damaged(file, `its element type is 0x${type.toString(16)}, only uint8 (0x8) is read`);
  if (!ranks.includes(rank)) throw damaged(file, `it has ${rank} dimensions, expected ${ranks.join(' or ')}`);
  const first = SIZES + 4 * rank;
  if (bytes.length < first) throw damaged(file, 'it ends within its header');
  const { sizes } = headOf(bytes);
  const expected = elementsOf(sizes);
  const elements = bytes.subarray(first);
  if (elements.length !== expected) {
    throw damaged(
      file,
      `its header says ${expected} elements (${sizes.join(' x ')}), it has ${elements.length}`,
    );
  }
  return { sizes, elements };
}

async function readPlain(file: string): Promise<Buffer> {
  try {
    const bytes = await readFile(file);
    // Judged by content, because browsers unpack downloads and keep the name.
    return bytes[0] === 0x1f && bytes[1] === 0x8b ? await unpack(bytes) : bytes;
  } catch (cause) {
    throw new DatasetError(`cannot read ${file}: ${(cause as Error).message}`, {
      where: file,
      hint: 'check that the file is there and complete',
      cause,
    });
  }
}

/** Of a packed file, what its header certainly lies in. */
const HEAD = 4096;
/** gzip packs no better than to this part, so a header that says more lies. */
const BEST_RATIO = 1032;

/** Unpacks as much as the header says there is, and a byte more if there is one: a file of zeros may be packed by 1000. */
async function unpack(packed: Buffer): Promise<Buffer> {
  const head = await promisify(gunzip)(packed.subarray(0, HEAD), { finishFlush: constants.Z_SYNC_FLUSH });
  const { sizes, first } = headOf(head);
  const length = Math.min(first + elementsOf(sizes) + 1, BEST_RATIO * packed.length);
  try {
    return await promisify(gunzip)(packed, { maxOutputLength: Math.max(length, first) });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') throw cause;
    throw new Error(`it holds more than the ${sizes.join(' x ')} elements its header says`);
  }
}

/** Sizes as the header has them, none where it is cut short, and where the elements begin. */
function headOf(bytes: Buffer): { sizes: number[]; first: number } {
  const rank = Math.min(bytes[3] ?? 0, Math.floor(Math.max(bytes.length - SIZES, 0) / 4));
  const sizes = Array.from({ length: rank }, (_, dimension) => bytes.readUInt32BE(SIZES + 4 * dimension));
  return { sizes, first: SIZES + 4 * rank };
}

function elementsOf(sizes: readonly number[]): number {
  return sizes.reduce((product, size) => product * size, 1);
}

function damaged(file: string, reason: string): DatasetError {
  return new DatasetError(`${file} is not usable: ${reason}`, {
    where: file,
    hint: 'get the file again; images are uint8 IDX of rank 3 or 4, labels uint8 IDX of rank 1',
  });
}
