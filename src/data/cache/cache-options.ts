import { freemem } from 'node:os';
import { LoaderError } from '../../errors.js';
import { cacheFolder } from './cache-folder.js';

export const cacheKinds = ['none', 'memory', 'disk'] as const;

export type CacheKind = (typeof cacheKinds)[number];

export interface CacheOptions {
  /** Where decoded images are kept: nowhere, in this process's memory, or in a file that later processes use too. */
  readonly kind: CacheKind;
  /**
   * Most bytes of pixels in it; images beyond it are decoded each time. Default: half of the memory that is
   * available, or of the space on the disk, when the cache is made.
   */
  readonly maxBytes?: number;
  /** Of the files of `disk`. Default: `pixels` in `GRADRING_CACHE`, or in `~/.cache/gradring`. */
  readonly folder?: string;
}

/** Options with their kind made out and checked; undefined for no cache. @throws LoaderError naming the option */
export function checkCache(given: CacheKind | CacheOptions = 'none'): CacheOptions | undefined {
  const options = typeof given === 'string' ? { kind: given } : given;
  const { kind, maxBytes, folder } = options as CacheOptions;
  if (!cacheKinds.includes(kind)) {
    throw new LoaderError(`cache is ${kind}`, { where: 'cache', hint: cacheKinds.join(', ') });
  }
  if (maxBytes !== undefined && !(Number.isSafeInteger(maxBytes) && maxBytes >= 1)) {
    throw new LoaderError(`maxBytes is ${maxBytes}`, {
      where: 'cache.maxBytes',
      hint: 'a whole number, 1 or more',
    });
  }
  if (kind !== 'disk' && folder !== undefined) {
    throw new LoaderError(`a cache of kind ${kind} has no folder`, {
      where: 'cache.folder',
      hint: "leave it out, or choose kind 'disk'",
    });
  }
  return kind === 'none' ? undefined : { kind, maxBytes, folder: folder ?? cacheFolder('pixels') };
}

/** Bytes a new cache in memory may take: half of what this process can still get. */
export function memoryShare(): number {
  const constrained = process.constrainedMemory?.() ?? 0;
  // Without a limit it is 0 or far above any memory, by system.
  const limit = constrained > 0 ? constrained - process.memoryUsage.rss() : Number.POSITIVE_INFINITY;
  return Math.max(Math.min(freemem(), limit) / 2, 0);
}
