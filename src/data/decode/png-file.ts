/**
 * The parts of a plain PNG file: 8 bits a sample, not interlaced, and free of colour management.
 *
 * Source: PNG specification, third edition, sections 5 (chunks) and 11 (their contents).
 */
import zlib from 'node:zlib';
import { imageAddon } from '../image-addon.js';

const SIGNATURE = [0x89504e47, 0x0d0a1a0a];
/** Types of chunks, as the number that their four letters are. */
const [IHDR, PLTE, IDAT, IEND] = ['IHDR', 'PLTE', 'IDAT', 'IEND'].map(codeOf);
/** Length, type and CRC of a chunk. */
const FRAME = 12;
/** CRC of the last chunk, which is always the same. */
const END_CRC = 0xae426082;

/** By colour type; those that are not listed do not exist. */
const samplesOf: Readonly<Record<number, PngFile['samples']>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const PALETTE = 3;

/** Chunks that change no sample and no colour of the result: sharp ignores them too, whatever is in them. */
const harmless: ReadonlySet<number> = new Set(
  'gAMA cHRM sRGB sBIT bKGD hIST tRNS pHYs tIME tEXt zTXt iTXt'.split(' ').map(codeOf),
);

/** More than this in harmless chunks is left to sharp, whose libpng has limits of its own on them. */
const HARMLESS_BYTES = 65_536;

/** Node.js has one since 20.15; before that, and without the addon's, all is left to sharp. */
const hasCrc32 = 'crc32' in zlib;

export interface PngFile {
  readonly width: number;
  readonly height: number;
  /** Bytes of a pixel as it is stored: grey 1, grey and alpha 2, RGB 3, RGBA 4, place in a palette 1. */
  readonly samples: 1 | 2 | 3 | 4;
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
  if (uint32(file, 0) !== SIGNATURE[0] || uint32(file, 4) !== SIGNATURE[1]) return undefined;
  const header = chunkAt(file, 8);
  if (header?.type !== IHDR || header.end !== 8 + FRAME + 13) return undefined;
  const at = header.start;
  const colour = file[at + 9];
  const samples = samplesOf[colour];
  // Depth 8; compression, filter method and interlacing 0.
  if (file[at + 8] !== 8 || (file[at + 10] | file[at + 11] | file[at + 12]) !== 0) return undefined;
  const body = bodyOf(file, header.end);
  if (samples === undefined || body === undefined || body.parts.length === 0) return undefined;
  if ((colour === PALETTE) !== (body.palette !== undefined)) return undefined;
  const [width, height] = [uint32(file, at), uint32(file, at + 4)];
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
  let last = IHDR;
  let besides = 0;
  for (let at = start; ; ) {
    const chunk = chunkAt(file, at);
    if (chunk === undefined) return undefined;
    const { type, start, end } = chunk;
    if (type === IEND) return { palette, parts };
    if (type === IDAT) {
      // One stream, so its parts must follow each other.
      if (parts.length > 0 && last !== IDAT) return undefined;
      parts.push(file.subarray(start, end - 4));
    } else if (type === PLTE) {
      const data = file.subarray(start, end - 4);
      if (palette !== undefined || parts.length > 0 || !isPalette(data)) return undefined;
      palette = data;
    } else {
      besides += end - at;
      if (!harmless.has(type) || besides > HARMLESS_BYTES) return undefined;
    }
    last = type;
    at = end;
  }
}

/** Width and height as the header of any PNG has them, sound or not; undefined where the file is none. */
export function pngSize(file: Uint8Array): { width: number; height: number } | undefined {
  if (uint32(file, 0) !== SIGNATURE[0] || uint32(file, 4) !== SIGNATURE[1] || uint32(file, 12) !== IHDR)
    return undefined;
  return { width: uint32(file, 16), height: uint32(file, 20) };
}

interface Chunk {
  readonly type: number;
  /** First byte of its data, which end four bytes before the next chunk, at its CRC. */
  readonly start: number;
  /** Where the next one starts. */
  readonly end: number;
}

/** @returns undefined where the file ends within it or its CRC is another */
function chunkAt(file: Uint8Array, at: number): Chunk | undefined {
  if (at + FRAME > file.length) return undefined;
  const end = at + FRAME + uint32(file, at);
  if (end > file.length) return undefined;
  const type = uint32(file, at + 4);
  const crc = type === IEND && end === at + FRAME ? END_CRC : crcOf(file, at + 4, end - 4);
  return crc === uint32(file, end - 4) ? { type, start: at + 8, end } : undefined;
}

/** @returns undefined where nobody can tell */
function crcOf(file: Uint8Array, start: number, end: number): number | undefined {
  const { crc32 } = imageAddon();
  if (crc32 !== undefined) return crc32(file, start, end);
  return hasCrc32 ? zlib.crc32(file.subarray(start, end)) : undefined;
}

function codeOf(letters: string): number {
  return uint32(Buffer.from(letters, 'latin1'), 0);
}

function isPalette({ length }: Uint8Array): boolean {
  return length > 0 && length % 3 === 0 && length <= 3 * 256;
}

function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}
