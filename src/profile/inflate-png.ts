import { inflateSync } from 'node:zlib';
import type { PngFile } from '../data/decode/png-file.js';

/** Undoes the compression of a PNG and nothing else, as its decoder does. */
export function inflatePng({ width, height, samples, parts }: PngFile): Uint8Array {
  const room = Math.max(height * (1 + width * samples) + 1, 64);
  const stream = parts.length === 1 ? parts[0] : Buffer.concat(parts);
  return inflateSync(stream, { chunkSize: room, maxOutputLength: room });
}
