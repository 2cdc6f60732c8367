/** Our own addon for images, where it was compiled: `native/images` is its other side. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageRoot } from '../package-root.js';

/** How an image is made smaller. Sizes are pixels. */
export interface Reduction {
  /** 0: linear, 1: cubic, 2: lanczos3. */
  readonly kernel: number;
  /** Of the image. */
  readonly width: number;
  readonly height: number;
  readonly samples: 1 | 3;
  /** How many times narrower and lower it becomes: 1 or more. */
  readonly across: number;
  readonly down: number;
  /** Where in what comes out the target begins: below zero, so much of the target is black. */
  readonly left: number;
  readonly top: number;
  readonly targetWidth: number;
  readonly targetHeight: number;
}

/** All are absent without the addon; the decoders also where their library was not there when it was compiled. */
export interface ImageAddon {
  /**
   * Copies rows of `rowBytes` bytes to the front of `target`, up to the first whose state is not `wanted`.
   *
   * @param states a byte for each row, or undefined
   * @returns how many it copied
   */
  copyRows?(
    source: Uint8Array,
    states: Uint8Array | undefined,
    wanted: number,
    rows: Uint32Array,
    rowBytes: number,
    target: Uint8Array,
  ): number;
  /** Of the bytes from `start` to `end` − 1. */
  crc32?(file: Uint8Array, start: number, end: number): number;
  /** A zlib stream that comes to exactly the length of `target`; false where it does not, whatever was written. */
  inflate?(stream: Uint8Array, target: Uint8Array): boolean;
  /**
   * From a PNG's zlib stream to `rows` rows of `rowBytes` bytes without filters; `samples`: bytes of a pixel.
   *
   * @returns false, with nothing written, where another decoder has to do it
   */
  unpackPng?(
    stream: Uint8Array,
    rows: number,
    rowBytes: number,
    samples: number,
    target: Uint8Array,
  ): boolean;
  /**
   * A JPEG at one `denominator`th (1, 2, 4, 8) of its size, to be `width` by `height` grey (1) or RGB (3) pixels.
   *
   * @returns as `unpackPng`
   */
  decodeJpeg?(
    file: Uint8Array,
    denominator: number,
    width: number,
    height: number,
    samples: 1 | 3,
    target: Uint8Array,
  ): boolean;
  /** A PNG's zlib stream, unpacked and made smaller. Absent also without AVX2. Returns as `unpackPng`. */
  reducePng?(stream: Uint8Array, reduction: Reduction, target: Uint8Array): boolean;
  /** A JPEG as by `decodeJpeg`, its first rows and columns made smaller still. Absent also without AVX2. */
  reduceJpeg?(
    file: Uint8Array,
    denominator: number,
    width: number,
    height: number,
    reduction: Reduction,
    target: Uint8Array,
  ): boolean;
}

/** Where `scripts/build-native.mjs` puts it. */
export const imageAddonPath = (): string => join(packageRoot(), 'build', 'images', 'gradring_images.node');

let loaded: ImageAddon | undefined;

/** Loads it when first asked. Without it, or with GRADRING_IMAGES=off, it is empty. */
export function imageAddon(): ImageAddon {
  loaded ??= load();
  return loaded;
}

function load(): ImageAddon {
  const path = imageAddonPath();
  if (process.env.GRADRING_IMAGES === 'off' || !existsSync(path)) return {};
  try {
    return createRequire(import.meta.url)(path) as ImageAddon;
  } catch {
    // A library that has gone since: there are others for all of this, and the doctor says so.
    return {};
  }
}
