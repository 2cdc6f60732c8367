import { inflatePlain, streamOf } from '../data/decode/png-decoder.js';
import type { PngFile } from '../data/decode/png-file.js';
import { imageAddon } from '../data/image-addon.js';

let room = new Uint8Array();

/** Undoes the compression of a PNG and nothing else, as its decoder does. */
export function inflatePng(png: PngFile): void {
  const length = png.height * (1 + png.width * png.samples);
  const { inflate } = imageAddon();
  if (inflate === undefined) {
    inflatePlain(png, length);
    return;
  }
  if (room.length < length) room = new Uint8Array(length);
  inflate(streamOf(png), room.subarray(0, length));
}
