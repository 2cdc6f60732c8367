import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Tf } from '../engine/tf.js';
import { RecipeError } from '../errors.js';
import type { Random } from '../random.js';
import type { TransformBatch } from './augment.js';
import { type ImageScale, perChannel, pixelValue } from './image-scale.js';
import { fillNormal } from './noise.js';
import { PatchDraws } from './patches.js';
import { PixelMap } from './pixel-map.js';
import type { RandEraseOptions } from './transform-specs.js';

/**
 * Fills up to `maxNum` patches with normal noise of the data's mean and spread, cut off at the blackest and whitest
 * value a pixel can have. The noise differs from image to image and pixel to pixel also where the patches do not.
 */
export function erasePatches(
  tf: Tf,
  x: Tensor4D,
  options: RandEraseOptions,
  random: Random,
  batch: TransformBatch,
): Tensor4D {
  const { perItem = false } = options;
  const [count, height, width, channels] = x.shape;
  const draws = new PatchDraws('randErase', height, width, options);
  const map = new PixelMap(x.shape, perItem);
  let patches = 0;
  const owners: number[] = [];
  for (let i = 0; i < map.maps; i++) {
    const stream = perItem ? batch.itemRandom(i) : random;
    const sources = map.sourcesOf(i);
    for (let left = draws.count(stream); left > 0; left--) {
      let next = map.firstExtra + patches++ * draws.area;
      map.eachPixel(draws.patch(stream), pixel => {
        sources[pixel] = next++;
      });
      owners.push(i);
    }
  }
  if (patches === 0) return tf.clone(x);
  const size = draws.area * channels;
  const lists = perItem ? owners : Array.from({ length: count * patches }, (_, k) => Math.trunc(k / patches));
  const noise = new Float32Array(lists.length * size);
  lists.forEach((image, k) => {
    fillNormal(noise.subarray(k * size, (k + 1) * size), batch.itemRandom(image));
  });
  scaleNoise(noise, noiseScale(options, channels, batch.scale));
  return map.apply(tf, x, noise);
}

interface ChannelNoise {
  readonly mean: number;
  readonly std: number;
  readonly least: number;
  readonly most: number;
}

function scaleNoise(noise: Float32Array, channels: readonly ChannelNoise[]): void {
  for (let i = 0; i < noise.length; ) {
    for (const { mean, std, least, most } of channels) {
      noise[i] = Math.min(most, Math.max(least, mean + std * noise[i]));
      i++;
    }
  }
}

/** On the scale that the images are on by now. */
function noiseScale(options: RandEraseOptions, channels: number, scale: ImageScale): ChannelNoise[] {
  const mean = perChannel(options.mean ?? scale.mean, channels);
  const std = perChannel(options.std ?? scale.std, channels);
  if (!mean || !std?.every(value => value > 0)) {
    throw new RecipeError('The transform randErase does not know the mean and the spread of the pixels.', {
      where: `images of ${channels} channel(s)`,
      hint: 'Use it beside normalize, or give mean and std on the scale 0 … 1, as one number or one per channel.',
    });
  }
  const convert = pixelValue(scale, channels);
  return mean.map((value, c) => ({
    mean: convert(value, c),
    std: convert(std[c], c) - convert(0, c),
    least: convert(0, c),
    most: convert(1, c),
  }));
}
