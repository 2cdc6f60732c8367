import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Tf } from '../engine/tf.js';
import { RecipeError } from '../errors.js';
import type { Random } from '../random.js';
import type { TransformBatch } from './augment.js';
import { PixelMap } from './pixel-map.js';
import type { RandomCropOptions } from './transform-specs.js';

/** Padding around the images, then one window of the original size for all of them, or one for each. */
export function cropImages(
  tf: Tf,
  x: Tensor4D,
  { padding, pad = 'zero', perItem = false }: RandomCropOptions,
  random: Random,
  batch: TransformBatch,
): Tensor4D {
  const [, height, width] = x.shape;
  const hasSize = Number.isInteger(padding) && padding >= 1 && padding < Math.min(height, width);
  if (!hasSize || !(pad === 'zero' || Number.isFinite(pad))) {
    throw new RecipeError(
      `The transform randomCrop cannot use padding ${padding}${pad === 'zero' ? '' : ` with pad ${pad}`}.`,
      {
        where: `images of ${height}×${width}`,
        hint: "Give a whole number of pixels, at least 1 and less than the image; pad is 'zero' or a number.",
      },
    );
  }
  const value = pad === 'zero' ? 0 : pad;
  const draw = (stream: Random) => stream.below(2 * padding + 1) - padding;
  if (perItem) return cropEach(tf, x, value, i => [draw(batch.itemRandom(i)), draw(batch.itemRandom(i))]);
  return cropAll(tf, x, value, draw(random), draw(random));
}

/** Only the part of the padded images that the window shows is ever made. */
function cropAll(tf: Tf, x: Tensor4D, value: number, top: number, left: number): Tensor4D {
  const [, height, width] = x.shape;
  const kept = (start: number, size: number) => {
    const count = size - Math.abs(start);
    const around: [number, number] = [Math.max(0, -start), Math.max(0, start)];
    return { first: Math.max(0, start), count, around };
  };
  const rows = kept(top, height);
  const columns = kept(left, width);
  const part = tf.slice4d(x, [0, rows.first, columns.first, 0], [-1, rows.count, columns.count, -1]);
  return tf.pad4d(part, [[0, 0], rows.around, columns.around, [0, 0]], value);
}

function cropEach(tf: Tf, x: Tensor4D, value: number, place: (image: number) => number[]): Tensor4D {
  const [, height, width, channels] = x.shape;
  const map = new PixelMap(x.shape, true);
  for (let i = 0; i < map.maps; i++) {
    const [top, left] = place(i);
    const sources = map.sourcesOf(i);
    const first = i * sources.length;
    for (let row = 0; row < height; row++) {
      const y = row + top;
      const isInside = y >= 0 && y < height;
      for (let column = 0; column < width; column++) {
        const from = column + left;
        const shown = isInside && from >= 0 && from < width;
        sources[row * width + column] = shown ? first + y * width + from : map.firstExtra;
      }
    }
  }
  return map.apply(tf, x, new Float32Array(channels).fill(value));
}
