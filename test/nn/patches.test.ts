/** randErase and randCopy by their properties, and draws per image that know no replicas. */
import type { Tensor4D } from '@tensorflow/tfjs-core';
import t from 'tap';
import { tf } from '../../src/engine/tf.js';
import { type AugmentationKey, applyTransforms } from '../../src/nn/augment.js';
import { horizontalFlip, normalize, randCopy, randErase, randomCrop } from '../../src/nn/transform-specs.js';
import type { TransformSpec } from '../../src/protocol/batch.js';
import { Purpose, Random } from '../../src/random.js';
import '../engine/backends.js';

const key = { seed: 3, epoch: 1, index: 0 };
const [count, side] = [5, 20];
const pixels = side * side;

/** Every pixel of the batch has a value of its own, and none is that of noise. */
const images = (): Tensor4D =>
  tf.reshape(tf.div(tf.range(0, count * pixels), count * pixels), [count, side, side, 1]) as Tensor4D;

function run(x: Tensor4D, specs: TransformSpec[], at: AugmentationKey): number[][] {
  const y = applyTransforms(tf, x, specs, at);
  const values = [...y.dataSync()];
  y.dispose();
  const size = values.length / x.shape[0];
  return Array.from({ length: x.shape[0] }, (_, i) => values.slice(i * size, (i + 1) * size));
}

/** Numbers of the pixels that differ. */
const changed = (before: number[], after: number[]) => after.flatMap((v, i) => (v === before[i] ? [] : [i]));

/** The patches that the lessons' formulas put at these draws, as the pixels they cover. */
function covered(random: Random, pct: number, maxNum: number): number[] {
  const size = Math.trunc(pct * side);
  const all = new Set<number>();
  for (let left = random.below(maxNum + 1); left > 0; left--) {
    const [top, start] = [0, 0].map(() => Math.trunc(random.float() * (1 - pct) * side));
    for (let i = 0; i < size * size; i++) all.add((top + Math.trunc(i / size)) * side + start + (i % size));
  }
  return [...all].sort((a, b) => a - b);
}

t.beforeEach(() => tf.setBackend('wasm'));

t.test('randErase fills the same patches of all images, each with noise of its own', async t => {
  const x = images();
  const [before, counts] = [run(x, [], key), new Set<number>()];
  for (let index = 0; index < 60; index++) {
    const at = { ...key, index };
    const after = run(x, [randErase({ pct: 0.15, maxNum: 2, mean: 0.5, std: 0.2 })], at);
    const random = new Random({ ...at, purpose: Purpose.augmentation });
    const expected = covered(random, 0.15, 2);
    counts.add(expected.length / 9);
    for (const [i, image] of after.entries()) t.same(changed(before[i], image), expected);
    const seen = new Set(after.flatMap(image => expected.map(pixel => image[pixel])));
    t.ok(seen.size >= 0.9 * count * expected.length, 'the noise does not repeat');
  }
  t.ok(
    [0, 1, 2].every(patches => counts.has(patches)),
    'none and the most are drawn too',
  );
});

t.test(
  'its noise has the mean and spread of the data, cut off where pixels end, on either scale',
  async t => {
    const [mean, std] = [0.3, 0.35];
    const scales = { pct: 0.9, maxNum: 9 };
    const noise = (specs: TransformSpec[]) => {
      const x = tf.fill([200, side, side, 1], -9) as Tensor4D;
      return run(x, specs, { ...key, index: 2 }).flatMap(image => image.filter(value => value !== -9));
    };
    const raw = noise([randErase({ ...scales, mean, std })]);
    t.ok(raw.length > 20_000);
    t.ok(raw.every(value => value >= 0 && value <= 255) && raw.includes(0));
    const upper = raw.filter(value => value > mean * 255 && value < 255);
    const rms = Math.sqrt(upper.reduce((sum, v) => sum + (v / 255 - mean) ** 2, 0) / upper.length);
    // A normal cut off at (1 − 0.3) / 0.35 = 2 deviations: its upper half has a mean square of 0.7737 σ².
    t.ok(Math.abs(rms - std * Math.sqrt(0.7737)) < 0.005, `${rms}`);
    const below = raw.filter(value => value < mean * 255).length / raw.length;
    t.ok(Math.abs(below - 0.5) < 0.02, 'the mean is in the middle');
    const normalised = noise([normalize({ mean, std }), randErase(scales)]).filter(value => value > -0.9);
    t.ok(Math.abs(Math.min(...normalised) + mean / std) < 1e-5, 'black');
    t.ok(Math.abs(Math.max(...normalised) - (1 - mean) / std) < 1e-5, 'white');
  },
);

t.test('the scale is that of normalize, whether it comes before or after', async t => {
  const x = tf.mul(images(), 255) as Tensor4D;
  const scale = normalize({ mean: 0.3, std: 0.35 });
  const [first, last] = [run(x, [randErase(), scale], key).flat(), run(x, [scale, randErase()], key).flat()];
  t.ok(first.every((value, i) => Math.abs(value - last[i]) < 1e-5));
  t.throws(() => run(x, [randErase()], key), { code: 'E_RECIPE', hint: /normalize, or give mean and std/ });
});

t.test('randCopy only moves pixels within their image, the same way in all of them', async t => {
  const x = images();
  const before = run(x, [], key);
  let moved = 0;
  for (let index = 0; index < 60; index++) {
    const after = run(x, [randCopy({ pct: 0.3, maxNum: 3 })], { ...key, index });
    const places = after[0].map(value => before[0].indexOf(value));
    moved += changed(before[0], after[0]).length;
    for (const [i, image] of after.entries())
      t.same(
        image,
        places.map(place => before[i][place]),
      );
  }
  t.ok(moved > 1000);
});

t.test('a copied patch is what was there before, also where source and target overlap', async t => {
  const x = images();
  const [before] = run(x, [], key);
  for (let index = 0; index < 40; index++) {
    const at = { ...key, index };
    const random = new Random({ ...at, purpose: Purpose.augmentation });
    const patches = random.below(2);
    const [top, left, fromTop, fromLeft] = [0, 0, 0, 0].map(() => Math.trunc(random.float() * 0.4 * side));
    const expected = [...before];
    for (let y = 0; y < 12 * patches; y++)
      for (let i = 0; i < 12; i++)
        expected[(top + y) * side + left + i] = before[(fromTop + y) * side + fromLeft + i];
    t.same(run(x, [randCopy({ pct: 0.6, maxNum: 1 })], at)[0], expected);
  }
});

t.test('per image: other draws for each, the same for three shards as for the whole batch', async t => {
  const x = tf.mul(images(), 255) as Tensor4D;
  const perItem = true;
  const specs = [
    randomCrop({ padding: 2, pad: 7, perItem }),
    horizontalFlip({ perItem }),
    randCopy({ perItem }),
    randErase({ perItem }),
    normalize({ mean: 0.3, std: 0.35 }),
  ];
  const whole = run(x, specs, key);
  const shards = [
    [0, 2],
    [2, 2],
    [4, 1],
  ].flatMap(([offset, size]) => {
    const shard = tf.slice4d(x, [offset, 0, 0, 0], [size, -1, -1, -1]);
    return run(shard, specs, { ...key, size: count, placeOf: i => offset + i });
  });
  t.same(shards, whole);
  t.not(`${run(x, specs, { ...key, index: 1 })}`, `${whole}`);
});

t.test('per image: each crop, flip and set of patches is one that the batch could have had', async t => {
  const x = images();
  const before = run(x, [], key);
  const flipped = run(x, [horizontalFlip({ p: 1 })], key);
  const [crops, flips, areas] = [new Set<number>(), new Set<boolean>(), new Set<number>()];
  for (let index = 0; index < 40; index++) {
    const at = { ...key, index };
    for (const [i, image] of run(x, [randomCrop({ padding: 1, pad: -1, perItem: true })], at).entries()) {
      // The centre moved by at most one pixel each way.
      const shift = before[i].indexOf(image[10 * side + 10]) - (10 * side + 10);
      crops.add(shift);
    }
    for (const [i, image] of run(x, [horizontalFlip({ perItem: true })], at).entries()) {
      flips.add(image[0] === before[i][0]);
      t.same(image, image[0] === before[i][0] ? before[i] : flipped[i]);
    }
    for (const [i, image] of run(x, [randErase({ mean: 2, std: 1, perItem: true })], at).entries())
      areas.add(changed(before[i], image).length);
  }
  t.same(
    [...crops].sort((a, b) => a - b),
    [-side - 1, -side, -side + 1, -1, 0, 1, side - 1, side, side + 1],
  );
  t.equal(flips.size, 2);
  t.ok(areas.size > 10);
});

t.test('what cannot be used is refused', async t => {
  const x = images();
  for (const options of [{ pct: 0 }, { pct: 1 }, { maxNum: 1.5 }, { maxNum: -1 }, { pct: 0.04 }]) {
    t.throws(() => run(x, [randCopy(options)], key), { code: 'E_RECIPE' });
    t.throws(() => run(x, [randErase({ mean: 0, std: 1, ...options })], key), { code: 'E_RECIPE' });
  }
  t.throws(() => run(x, [randErase({ mean: [0, 0], std: 1 })], key), { code: 'E_RECIPE' });
  t.throws(() => run(x, [randomCrop({ padding: 1, pad: Number.NaN })], key), { code: 'E_RECIPE' });
});
