/**
 * The parts of a plain PNG file: 8 bits a sample, not interlaced, and free of colour management.
 *
 * Source: PNG specification, third edition, sections 5 (chunks) and 11 (their contents).
 */
import zlib from 'node:zlib';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Length, type and CRC of a chunk. */
const FRAME = 12;

/** By colour type; those that are not listed do not exist. */
const samplesOf: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const PALETTE = 3;

/** Chunks that change no sample and no colour of the result: sharp ignores them too, whatever is in them. */
const harmless: ReadonlySet<string> = new Set(
  'gAMA cHRM sRGB sBIT bKGD hIST tRNS pHYs tIME tEXt zTXt iTXt'.split(' '),
);

/** More than this in harmless chunks is left to sharp, whose libpng has limits of its own on them. */
const HARMLESS_BYTES = 65_536;

/** Node.js has it since 20.15; before that, all is left to sharp. */
const hasCrc32 = 'crc32' in zlib;

export interface PngFile {
  readonly width: number;
  readonly height: number;
  /** Bytes of a pixel as it is stored: grey 1, grey and alpha 2, RGB 3, RGBA 4, place in a palette 1. */
  readonly samples: number;
  /** RGB of each entry, where the samples are places in it. */
  readonly palette?: Uint8Array;
  /** The zlib stream of the filtered rows: views of the file, in order. */
  readonly parts: readonly Uint8Array[];
}

/**
 * Takes a file apart and checks the CRC of everything in it. Copies nothing.
 *
 * @returns undefined where it is no PNG, not a plain one, or not certainly sound: a slower decoder has to decide
 */
export function parsePng(file: Uint8Array): PngFile | undefined {
  if (!hasCrc32 || !SIGNATURE.every((byte, at) => file[at] === byte)) return undefined;
  const header = chunkAt(file, SIGNATURE.length);
  if (header?.type !== 'IHDR' || header.data.length !== 13) return undefined;
  const samples = samplesOf[header.data[9]];
  // Depth 8; compression, filter method and interlacing 0.
  const [depth, , compression, filter, interlace] = header.data.subarray(8);
  if (depth !== 8 || samples === undefined || (compression | filter | interlace) !== 0) return undefined;
  const body = bodyOf(file, header.end);
  const needsPalette = header.data[9] === PALETTE;
  if (body === undefined || body.parts.length === 0) return undefined;
  if (needsPalette !== (body.palette !== undefined)) return undefined;
  const [width, height] = [uint32(header.data, 0), uint32(header.data, 4)];
  if (width === 0 || height === 0) return undefined;
  if (!hasWindow(body.parts[0], height * (1 + width * samples))) return undefined;
  return { width, height, samples, ...body };
}

/** libpng holds a zlib stream to the window that it declares, other decoders do not. */
function hasWindow(stream: Uint8Array, length: number): boolean {
  const declared = stream[0] >> 4;
  return declared === 7 || 2 ** (declared + 8) >= length;
}

/** What follows the header, up to IEND. Bytes after that are nobody's. */
function bodyOf(file: Uint8Array, start: number): Pick<PngFile, 'palette' | 'parts'> | undefined {
  const parts: Uint8Array[] = [];
  let palette: Uint8Array | undefined;
  let last = 'IHDR';
  let besides = 0;
  for (let at = start; ; ) {
    const chunk = chunkAt(file, at);
    if (chunk === undefined) return undefined;
    const { type, data, end } = chunk;
    if (type === 'IEND') return { palette, parts };
    if (type === 'IDAT') {
      // One stream, so its parts must follow each other.
      if (parts.length > 0 && last !== 'IDAT') return undefined;
      parts.push(data);
    } else if (type === 'PLTE') {
      if (palette !== undefined || parts.length > 0 || !isPalette(data)) return undefined;
      palette = data;
    } else {
      besides += FRAME + data.length;
      if (!harmless.has(type) || besides > HARMLESS_BYTES) return undefined;
    }
    last = type;
    at = end;
  }
}

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
  /** Where the next one starts. */
  readonly end: number;
}

/** @returns undefined where the file ends within it or its CRC is another */
function chunkAt(file: Uint8Array, at: number): Chunk | undefined {
  if (at + FRAME > file.length) return undefined;
  const end = at + FRAME + uint32(file, at);
  if (end > file.length || zlib.crc32(file.subarray(at + 4, end - 4)) !== uint32(file, end - 4))
    return undefined;
  const type = String.fromCharCode(file[at + 4], file[at + 5], file[at + 6], file[at + 7]);
  return { type, data: file.subarray(at + 8, end - 4), end };
}

function isPalette({ length }: Uint8Array): boolean {
  return length > 0 && length % 3 === 0 && length <= 3 * 256;
}

function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}
