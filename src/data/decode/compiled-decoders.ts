/** Our own addon over libdeflate and libjpeg-turbo: there where it was compiled. `native/images` has the other side. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageRoot } from '../../package-root.js';

/** Each is there if its library was when the addon was compiled. False: nothing was written. */
export interface CompiledDecoders {
  /** From a PNG's zlib stream to `rows` rows of `rowBytes` bytes without filters; `samples`: bytes of a pixel. */
  unpackPng?(
    stream: Uint8Array,
    rows: number,
    rowBytes: number,
    samples: number,
    target: Uint8Array,
  ): boolean;
  /** A JPEG at one `denominator`th (1, 2, 4, 8) of its size, to be `width` by `height` grey (1) or RGB (3) pixels. */
  decodeJpeg?(
    file: Uint8Array,
    denominator: number,
    width: number,
    height: number,
    samples: 1 | 3,
    target: Uint8Array,
  ): boolean;
}

/** Where `scripts/build-native.mjs` puts it. */
export const compiledPath = (): string => join(packageRoot(), 'build', 'images', 'gradring_images.node');

let loaded: CompiledDecoders | undefined;

/** Loads them when first asked. Without the addon, or with GRADRING_IMAGES=off, there are none. */
export function compiledDecoders(): CompiledDecoders {
  loaded ??= load();
  return loaded;
}

function load(): CompiledDecoders {
  const path = compiledPath();
  if (process.env.GRADRING_IMAGES === 'off' || !existsSync(path)) return {};
  try {
    return createRequire(import.meta.url)(path) as CompiledDecoders;
  } catch {
    // A library that has gone since: the others decode, and the doctor says so.
    return {};
  }
}
