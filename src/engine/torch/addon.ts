/** The compiled addon: where it lies, and its face. `native/call.h` says how its operations are called. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { EngineError } from '../../errors.js';
import { packageRoot } from '../../package-root.js';

/** Takes its arguments from the frame, and leaves its results there. */
export type Operation = (...memory: ArrayBufferView[]) => void;

export interface Addon {
  /** Shared with the addon: the arguments of the next call, then its results. */
  readonly frame: Float64Array;
  /** Of the LibTorch it was compiled against, such as `2.11.0`. */
  readonly torchVersion: string;
  readonly operations: Readonly<Record<string, Operation>>;
}

/** Where `scripts/build-native.mjs` puts it. */
export const addonPath = (): string => join(packageRoot(), 'build', 'torch', 'gradring_torch.node');

export const isAddonBuilt = (): boolean => existsSync(addonPath());

let loaded: Addon | undefined;

/**
 * The addon of this thread.
 *
 * @throws EngineError when it was not built, or cannot be loaded
 */
export function loadAddon(): Addon {
  loaded ??= open(addonPath());
  return loaded;
}

function open(path: string): Addon {
  if (!existsSync(path)) {
    throw new EngineError('The torch engine was not built: its addon is missing.', {
      where: path,
      hint: 'Install LibTorch (pip install torch, or apt install libtorch-dev), then: npm run build:native.',
    });
  }
  try {
    const { frame, torchVersion, ...operations } = createRequire(import.meta.url)(path);
    return { frame, torchVersion, operations };
  } catch (cause) {
    throw new EngineError('The addon of the torch engine cannot be loaded.', {
      where: path,
      hint: 'LibTorch may have moved or changed since it was built: npm run build:native, then npm run doctor.',
      cause,
    });
  }
}
