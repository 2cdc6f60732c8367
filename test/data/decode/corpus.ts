/** The corpus of test/fixtures/images, and what decoders are judged by. */
import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';

export interface CorpusImage {
  readonly name: string;
  readonly png: Buffer;
  /** What Pillow reads of it: uint8 [height, width, channels], alpha left out. */
  readonly shape: readonly [height: number, width: number, channels: 1 | 3];
  readonly pixels: Buffer;
}

export function readCorpus(): readonly CorpusImage[] {
  const file = new URL('../../../../test/fixtures/images/png-corpus.json', import.meta.url);
  const { images } = JSON.parse(readFileSync(file, 'utf8')) as {
    images: readonly { name: string; shape: CorpusImage['shape']; png: string; pixels: string }[];
  };
  return images.map(({ name, shape, png, pixels }) => ({
    name,
    shape,
    png: Buffer.from(png, 'base64'),
    pixels: Buffer.from(pixels, 'base64'),
  }));
}

export function pngChunk(type: string, data: Uint8Array = new Uint8Array()): Buffer {
  const chunk = Buffer.alloc(data.length + 12);
  chunk.writeUInt32BE(data.length);
  chunk.write(type, 4, 'latin1');
  chunk.set(data, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, -4)), chunk.length - 4);
  return chunk;
}

/** Signature, header, the chunks given, and the end. */
export function pngOf(width: number, height: number, colourType: number, ...chunks: Uint8Array[]): Buffer {
  const header = Buffer.from([0, 0, 0, width, 0, 0, 0, height, 8, colourType, 0, 0, 0]);
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat([signature, pngChunk('IHDR', header), ...chunks, pngChunk('IEND')]);
}

/** Around a target, to see whether anything is written beside it. */
const GUARD = 64;
const UNTOUCHED = 0xa5;

/** Where an image is decoded to: shared memory, as a slot is, with other bytes on both sides. */
export class GuardedTarget {
  readonly pixels: Uint8Array;
  readonly #whole: Uint8Array;

  constructor(bytes: number) {
    this.#whole = new Uint8Array(new SharedArrayBuffer(bytes + 2 * GUARD)).fill(UNTOUCHED);
    this.pixels = this.#whole.subarray(GUARD, GUARD + bytes);
  }

  /** Whether nothing was written beside it. */
  get intact(): boolean {
    const { length } = this.pixels;
    return this.#whole.every((byte, at) => byte === UNTOUCHED || (at >= GUARD && at < GUARD + length));
  }

  get untouched(): boolean {
    return this.#whole.every(byte => byte === UNTOUCHED);
  }
}

/** What sharp by itself makes of a file; its reason where it refuses. */
export async function judge(file: Uint8Array, channels: 1 | 3): Promise<Uint8Array | Error> {
  // Grey of 16 bits is off by one at places when asked for as such; as sRGB it is the upper eight.
  const deepGrey = file[24] === 16 && (file[25] === 0 || file[25] === 4);
  const grey = channels === 1 && !deepGrey;
  // Here, because a test asks whether a decoder has loaded it.
  const { default: sharp } = await import('sharp');
  try {
    const image = sharp(file)
      .removeAlpha()
      .toColourspace(grey ? 'b-w' : 'srgb');
    const data = new Uint8Array(await image.raw().toBuffer());
    return channels === 1 && deepGrey ? data.filter((_, i) => i % 3 === 0) : data;
  } catch (error) {
    return error as Error;
  }
}
