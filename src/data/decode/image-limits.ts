/** How large an image may be: checked by its header and its file's size, before anything is unpacked. */
import { ConfigError } from '../../errors.js';

export interface ImageLimits {
  /** Width times height. */
  readonly maxPixels: number;
  /** Of an image file, or of a record that holds one. */
  readonly maxFileBytes: number;
}

export const defaultLimits: ImageLimits = { maxPixels: 100_000_000, maxFileBytes: 256 * 2 ** 20 };

/** An image is larger than it may be. Nothing of it was unpacked. */
export class OverLimit extends Error {
  constructor(reason: string, limit: keyof ImageLimits | 'the longest side', most: number) {
    super(`${reason}, ${limit} is ${most}`);
    this.name = 'OverLimit';
  }
}

/** What is given, and the defaults. @throws ConfigError where a limit is no whole number */
export function limitsOf({ maxPixels, maxFileBytes }: Partial<ImageLimits>): ImageLimits {
  const limits = {
    maxPixels: maxPixels ?? defaultLimits.maxPixels,
    maxFileBytes: maxFileBytes ?? defaultLimits.maxFileBytes,
  };
  for (const [limit, most] of Object.entries(limits)) {
    if (Number.isSafeInteger(most) && most > 0) continue;
    throw new ConfigError(`${limit} is ${most}`, { where: limit, hint: 'a whole number, 1 or more' });
  }
  return limits;
}

/**
 * Longest side that is read, as of JPEG: libvips holds whole rows many times over, and took 2.4 GB to resize a PNG of
 * 3,670,025 x 10.
 */
const MAX_SIDE = 65_535;

/** @throws OverLimit */
export function checkPixels(width: number, height: number, maxPixels: number): void {
  const size = `it is ${height}x${width}`;
  if (width * height > maxPixels) throw new OverLimit(size, 'maxPixels', maxPixels);
  if (Math.max(width, height) > MAX_SIDE) throw new OverLimit(size, 'the longest side', MAX_SIDE);
}

/** @throws OverLimit */
export function checkFileBytes(bytes: number, maxFileBytes: number): void {
  if (bytes > maxFileBytes) throw new OverLimit(`it has ${bytes} bytes`, 'maxFileBytes', maxFileBytes);
}
