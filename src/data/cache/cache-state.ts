import { type PixelCache, RowState } from './pixel-cache.js';

/** What a loader's cache holds at the moment. */
export interface CacheState {
  readonly kind: PixelCache['kind'];
  /** Images there are: those of all subsets of the dataset. */
  readonly rows: number;
  /** Images there is room for. */
  readonly limit: number;
  /** Images in it. */
  readonly held: number;
  /** Bytes of the pixels in it. */
  readonly bytes: number;
  /** The file of a cache on disk. */
  readonly file?: string;
  /** Why not all images will be in it, and what to do. */
  readonly advice?: string;
}

export function cacheState(cache: PixelCache): CacheState {
  const { kind, states, limit, rowBytes } = cache;
  let held = 0;
  for (const state of states) if (state !== RowState.empty) held++;
  const file = cache.kind === 'disk' ? cache.file : undefined;
  return { kind, rows: states.length, limit, held, bytes: held * rowBytes, file, advice: cacheAdvice(cache) };
}

function cacheAdvice(cache: PixelCache): string | undefined {
  const { kind, states, limit, rowBytes } = cache;
  if (cache.kind === 'disk' && cache.readOnly[0] !== 0) {
    return (
      `${cache.file} cannot be written any more, and images that are not in it are decoded in every epoch: ` +
      'look at the free space of its disk'
    );
  }
  // An earlier process may have had more room.
  if (!states.subarray(limit).includes(RowState.empty)) return undefined;
  const [room, need] = [limit, states.length].map(rows => ((rows * rowBytes) / 1e9).toFixed(2));
  const instead = kind === 'memory' ? ", or use cache: 'disk'" : '';
  return (
    `the ${kind} cache has room for ${limit} of ${states.length} images, ${room} of ${need} GB, and the others are ` +
    `decoded in every epoch: raise cache.maxBytes${instead}`
  );
}
