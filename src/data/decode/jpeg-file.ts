/**
 * What the segments before a JPEG's first scan say of it.
 *
 * Source: ITU-T T.81, annex B; JFIF 1.02; Exif 2.32, 4.5.5.
 */

/** Markers, which follow a byte 0xff. */
const [SOI, SOS, APP1, APP2] = [0xd8, 0xda, 0xe1, 0xe2];
/** Frames: baseline, extended with Huffman codes, progressive. The others are lossless, arithmetic, hierarchical. */
const frames = [0xc0, 0xc1, 0xc2];

export interface JpegFile {
  readonly width: number;
  readonly height: number;
  /** 1: grey, 3: in colour. */
  readonly samples: 1 | 3;
  /** It has Exif data, which may say how it is turned. */
  readonly hasExif: boolean;
}

/** @returns undefined where it is no JPEG of 8 bits, or has a colour profile: sharp has to decide */
export function parseJpeg(file: Uint8Array): JpegFile | undefined {
  if (file[0] !== 0xff || file[1] !== SOI) return undefined;
  let frame: Omit<JpegFile, 'hasExif'> | undefined;
  let hasExif = false;
  for (let at = 2; file[at] === 0xff; ) {
    const marker = file[at + 1];
    const length = uint16(file, at + 2);
    const start = at + 4;
    at += 2 + length;
    if (length < 2 || at > file.length) return undefined;
    if (marker === SOS) return frame && { ...frame, hasExif };
    if (frames.includes(marker)) {
      if (frame !== undefined) return undefined;
      frame = frameAt(file, start);
      if (frame === undefined) return undefined;
    } else if (marker === APP1) hasExif ||= startsWith(file, start, 'Exif\0');
    else if (marker === APP2 && startsWith(file, start, 'ICC_PROFILE\0')) return undefined;
  }
  return undefined;
}

function frameAt(file: Uint8Array, at: number): Omit<JpegFile, 'hasExif'> | undefined {
  const [height, width, samples] = [uint16(file, at + 1), uint16(file, at + 3), file[at + 5]];
  // A height of 0 is told after the first scan.
  if (file[at] !== 8 || height === 0 || width === 0 || (samples !== 1 && samples !== 3)) return undefined;
  return { width, height, samples };
}

function startsWith(file: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (file[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}
