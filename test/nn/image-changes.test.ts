/** Rotation, zoom, brightness and contrast: against torchvision, a direct formula and exact cases, on each engine. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import t from 'tap';
import { openEngine } from '../../src/engine/registry.js';
import { tf } from '../../src/engine/tf.js';
import { isAddonBuilt } from '../../src/engine/torch/addon.js';
import { type AffineDraw, affineMap, warpImages } from '../../src/nn/affine.js';
import { type AugmentationKey, applyTransforms, type TransformBatch } from '../../src/nn/augment.js';
import { changeBrightness, changeContrast } from '../../src/nn/lighting.js';
import {
  type AffineOptions,
  affine,
  brightness,
  contrast,
  normalize,
  rotate,
  zoom,
} from '../../src/nn/transform-specs.js';
import { packageRoot } from '../../src/package-root.js';
import type { TransformSpec } from '../../src/protocol/batch.js';
import { Purpose, Random } from '../../src/random.js';
import '../engine/backends.js';

if (isAddonBuilt()) await openEngine('torch', 'cpu:0');
const engines = isAddonBuilt() ? ['wasm', 'cpu', 'torch'] : ['wasm', 'cpu'];

interface Reference {
  shape: [number, number, number];
  warps: { degrees: number; zoom: number; pad: 'zero' | 'border' | 'reflection'; images: number[] }[];
  lights: { name: 'brightness' | 'contrast'; channels: number; factor: number; images: number[] }[];
}
const file = join(packageRoot(), 'test', 'nn', 'reference', 'image-changes.json');
const reference = JSON.parse(readFileSync(file, 'utf8')) as Reference;
const [count, height, width] = reference.shape;

/** The images that reference/image-changes.py has changed. */
const images = (channels: number): Tensor4D => {
  const size = count * height * width * channels;
  const values = Array.from({ length: size }, (_, i) => (53 * i + Math.trunc(i / 11)) % 256);
  return tf.tensor4d(values, [count, height, width, channels]);
};

/** A stream of given draws. */
class Given extends Random {
  readonly #draws: number[];
  constructor(...draws: number[]) {
    super({ seed: 0, purpose: Purpose.augmentation });
    this.#draws = draws;
  }
  override float(): number {
    return this.#draws.shift()!;
  }
}

const raw = { scale: {} } as TransformBatch;
const valuesOf = (make: () => Tensor4D): number[] => {
  const y = tf.tidy(make);
  const values = [...y.dataSync()];
  y.dispose();
  return values;
};
const farthest = (a: readonly number[], b: readonly number[]): number =>
  a.length === b.length ? Math.max(...a.map((value, i) => Math.abs(value - b[i]))) : Number.NaN;

/** Bilinear in float64, by the definition: weights of the four pixels around, outside of which there is 0. */
function warped(x: readonly number[], channels: number, map: readonly number[]): number[] {
  const [a, b, c, d, e, f] = map;
  const at = (image: number, row: number, column: number, channel: number) =>
    row >= 0 && row < height && column >= 0 && column < width
      ? x[((image * height + row) * width + column) * channels + channel]
      : 0;
  return x.map((_, i) => {
    const [channel, pixel] = [i % channels, Math.trunc(i / channels)];
    const [column, row] = [pixel % width, Math.trunc(pixel / width) % height];
    const image = Math.trunc(pixel / width / height);
    const [sx, sy] = [a * column + b * row + c, d * column + e * row + f];
    let sum = 0;
    for (const y of [Math.floor(sy), Math.floor(sy) + 1])
      for (const left of [Math.floor(sx), Math.floor(sx) + 1])
        sum += (1 - Math.abs(sy - y)) * (1 - Math.abs(sx - left)) * at(image, y, left, channel);
    return sum;
  });
}

for (const engine of engines) {
  t.test(`${engine}: turned and magnified as by torchvision`, async t => {
    await tf.setBackend(engine);
    for (const { degrees, zoom, pad, images: expected } of reference.warps) {
      const options = { maxDegrees: 180, minZoom: zoom, maxZoom: zoom, p: 1, pad };
      const draws = new Given(0, (degrees / 180 + 1) / 2, 0.5, 0.5, 0.5);
      const actual = valuesOf(() => warpImages(tf, images(2), options, draws, raw));
      const apart = farthest(actual, expected);
      t.ok(apart < 2e-3, `${degrees}° × ${zoom}, ${pad}: ${apart}`);
    }
  });

  t.test(`${engine}: brighter, and of more contrast, as by torchvision, on both scales`, async t => {
    await tf.setBackend(engine);
    for (const { name, channels, factor, images: expected } of reference.lights) {
      const change = name === 'brightness' ? changeBrightness : changeContrast;
      // 1 + max · (2u − 1)
      const options = { max: 1, p: 1 };
      const before = valuesOf(() => change(tf, images(channels), options, new Given(0, factor / 2), raw));
      t.ok(farthest(before, expected) < 1e-3, `${name} ${factor}, ${channels} channels`);
      const [mean, std] = [[0.4, 0.5, 0.3].slice(0, channels), [0.2, 0.3, 0.25].slice(0, channels)];
      const scale = { normalizedBy: { mean, std } };
      const normalised = (x: Tensor4D) => tf.div(tf.sub(tf.div(x, 255), mean), std) as Tensor4D;
      const batch = { scale } as unknown as TransformBatch;
      const after = valuesOf(() =>
        change(tf, normalised(images(channels)), options, new Given(0, factor / 2), batch),
      );
      const wanted = valuesOf(() => normalised(tf.tensor4d(expected, [count, height, width, channels])));
      t.ok(farthest(after, wanted) < 1e-5, `${name} ${factor}, ${channels} channels, normalised`);
    }
  });

  t.test(`${engine}: turns by 90 and 180 degrees and windows of whole pixels are exact`, async t => {
    await tf.setBackend(engine);
    const side = 6;
    const x = () => tf.reshape(tf.range(0, 2 * side * side), [2, side, side, 1]) as Tensor4D;
    const at = (options: AffineOptions, ...draws: number[]) =>
      valuesOf(() => warpImages(tf, x(), { p: 1, pad: 'zero', ...options }, new Given(0, ...draws), raw));
    const turn = { maxDegrees: 180, maxZoom: 1 };
    const pixel = (image: number, row: number, column: number) => (image * side + row) * side + column;
    const map = (from: (row: number, column: number) => [number, number]) =>
      Array.from({ length: 2 * side * side }, (_, i) => {
        const [image, row, column] = [Math.trunc(i / side / side), Math.trunc(i / side) % side, i % side];
        return pixel(image, ...from(row, column));
      });
    const isClose = (actual: number[], expected: number[], name: string) =>
      t.ok(farthest(actual, expected) < 1e-3, `${name}: ${farthest(actual, expected)}`);
    // Counter-clockwise: the right column becomes the upper row.
    const quarter = at(turn, 0.75, 0, 0, 0);
    isClose(
      quarter,
      map((row, column) => [column, side - 1 - row]),
      'by 90 degrees',
    );
    const half = at(turn, 1, 0, 0, 0);
    isClose(
      half,
      map((row, column) => [side - 1 - row, side - 1 - column]),
      'by 180 degrees',
    );
    // A window of a third of the side, in each corner: every third pixel shows the middle of one of the image's.
    const magnified = { maxDegrees: 0, minZoom: 3, maxZoom: 3 };
    for (const across of [0, 1])
      for (const down of [0, 1]) {
        const window = at(magnified, 0.5, 0, across, down);
        const corners = [0, 1].flatMap(row => [0, 1].map(column => [row, column]));
        isClose(
          corners.map(([row, column]) => window[pixel(0, 1 + 3 * row, 1 + 3 * column)]),
          corners.map(([row, column]) => pixel(0, 4 * down + row, 4 * across + column)),
          `window ${across}, ${down}`,
        );
      }
  });
}

t.test(
  'every image by the draw that is its own, or by that of the batch; the others as they are',
  async t => {
    await tf.setBackend('wasm');
    const x = images(2);
    const before = [...x.dataSync()];
    const size = before.length / count;
    const key: AugmentationKey = { seed: 5, epoch: 2, index: 0 };
    let drawn = 0;
    for (let index = 0; index < 30; index++)
      for (const perItem of [false, true]) {
        const spec = affine({ maxDegrees: 40, minZoom: 0.7, maxZoom: 1.6, p: 0.6, pad: 'zero', perItem });
        const actual = valuesOf(() => applyTransforms(tf, x, [spec], { ...key, index }));
        for (let item = 0; item < count; item++) {
          const purpose = perItem ? Purpose.augmentationOfItem : Purpose.augmentation;
          const random = new Random({ ...key, index, purpose, ...(perItem && { item }) });
          const isDrawn = random.float() < 0.6;
          const [degrees, zoom] = [40 * (2 * random.float() - 1), 0.7 + 0.9 * random.float()];
          const draw: AffineDraw = { degrees, zoom, across: random.float(), down: random.float() };
          const whole = isDrawn ? warped(before, 2, affineMap(draw, height, width)) : before;
          const [from, to] = [item * size, (item + 1) * size];
          const apart = farthest(actual.slice(from, to), whole.slice(from, to));
          if (!(apart < (isDrawn ? 2e-3 : 1e-30))) t.fail(`batch ${index}, image ${item}: ${apart}`);
          drawn += Number(isDrawn);
        }
      }
    t.ok(drawn > 40 && drawn < 100, `${drawn} of 120 were changed`);
  },
);

t.test('a batch keeps the range that pixels have, normalised or not', async t => {
  await tf.setBackend('wasm');
  const specs = [
    affine({ maxDegrees: 180, minZoom: 0.5, maxZoom: 2, p: 1, perItem: true }),
    contrast({ max: 1, p: 1, perItem: true }),
    brightness({ max: 1, p: 1, perItem: true }),
  ];
  const scale = normalize({ mean: [0.4, 0.5, 0.3], std: [0.2, 0.3, 0.25] });
  const [ends, seen] = [[0, 0, 0, 255, 255, 255], { least: 0, most: 0 }];
  const bounds = valuesOf(() =>
    applyTransforms(tf, tf.tensor4d(ends, [1, 1, 2, 3]), [scale], { seed: 0, epoch: 0, index: 0 }),
  );
  for (let index = 0; index < 20; index++) {
    const key = { seed: 1, epoch: 0, index };
    for (const value of valuesOf(() => applyTransforms(tf, images(3), specs, key)))
      if (!(value >= 0 && value <= 255.001)) t.fail(`${value}`);
    for (const [i, value] of valuesOf(() =>
      applyTransforms(tf, images(3), [scale, ...specs], key),
    ).entries()) {
      const [black, white] = [bounds[i % 3], bounds[3 + (i % 3)]];
      if (!(value >= black - 1e-5 && value <= white + 1e-5)) t.fail(`${value} of ${black} … ${white}`);
      seen.least += Number(Math.abs(value - black) < 1e-5);
      seen.most += Number(Math.abs(value - white) < 1e-5);
    }
  }
  t.ok(seen.least > 50 && seen.most > 50, `both ends are reached: ${seen.least}, ${seen.most}`);
});

t.test('what cannot be used is refused, with the name of the transform', async t => {
  const x = images(1);
  const refused: TransformSpec[] = [
    rotate({ maxDegrees: -1 }),
    rotate({ maxDegrees: 181 }),
    rotate({ pad: 'wrap' as 'zero' }),
    rotate({ pad: Number.NaN }),
    zoom({ min: 0 }),
    zoom({ min: 2 }),
    zoom({ p: 2 }),
    affine({ maxZoom: Number.POSITIVE_INFINITY }),
    brightness({ max: 0 }),
    brightness({ p: -1 }),
    contrast({ max: 1.5 }),
  ];
  for (const spec of refused) {
    const message = new RegExp(`transform ${spec.name} cannot use`);
    t.throws(() => applyTransforms(tf, x, [spec], { seed: 0, epoch: 0, index: 0 }), {
      code: 'E_RECIPE',
      message,
    });
  }
});
