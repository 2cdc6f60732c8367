/** What `scripts/build-native.mjs` wrote down about the addon. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { addonPath, isAddonBuilt } from './addon.js';

export interface BuildStamp {
  /** Of LibTorch. */
  readonly version: string;
  /** Where LibTorch's headers were. */
  readonly folder: string;
  /** The CUDA version, where it was compiled for CUDA. */
  readonly cuda: string | null;
  readonly onednn: string | null;
  readonly mps: boolean;
}

/** Undefined where the addon was not built. Loads nothing native. */
export function readBuildStamp(): BuildStamp | undefined {
  if (!isAddonBuilt()) return undefined;
  try {
    return JSON.parse(readFileSync(join(dirname(addonPath()), 'build.json'), 'utf8')) as BuildStamp;
  } catch {
    // A build without its stamp was cut short.
    return undefined;
  }
}
