import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Tf } from '../engine/tf.js';
import type { Random } from '../random.js';
import type { TransformBatch } from './augment.js';
import { PatchDraws } from './patches.js';
import { PixelMap } from './pixel-map.js';
import type { PatchOptions } from './transform-specs.js';

/** Copies up to `maxNum` patches to other places of the same image, one after the other. */
export function copyPatches(
  tf: Tf,
  x: Tensor4D,
  options: PatchOptions,
  random: Random,
  batch: TransformBatch,
): Tensor4D {
  const draws = new PatchDraws('randCopy', x.shape[1], x.shape[2], options);
  const map = new PixelMap(x.shape, options.perItem ?? false);
  let copied = 0;
  for (let i = 0; i < map.maps; i++) {
    const stream = options.perItem ? batch.itemRandom(i) : random;
    const sources = map.sourcesOf(i);
    for (let left = draws.count(stream); left > 0; left--) {
      const target = draws.patch(stream);
      // Read in full before anything is written: the two may overlap.
      const held: number[] = [];
      map.eachPixel(draws.patch(stream), pixel => held.push(sources[pixel]));
      let next = 0;
      map.eachPixel(target, pixel => {
        sources[pixel] = held[next++];
      });
      copied++;
    }
  }
  return copied === 0 ? tf.clone(x) : map.apply(tf, x);
}
