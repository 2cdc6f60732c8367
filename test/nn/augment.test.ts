/** Transforms on arrays small enough to check by eye. */
import type { Tensor4D } from '@tensorflow/tfjs-core';
import t from 'tap';
import { tf } from '../../src/engine/tf.js';
import { applyTransforms, type Transform } from '../../src/nn/augment.js';
import { horizontalFlip, normalize, randomCrop } from '../../src/nn/transform-specs.js';
import type { TransformSpec } from '../../src/protocol/batch.js';
import { Purpose, Random } from '../../src/random.js';
import '../engine/backends.js';

const key = { seed: 3, epoch: 1, index: 2 };

/** Values 1 … n in shape [samples, height, width, channels]. */
const counting = (shape: [number, number, number, number]): Tensor4D =>
  tf.reshape(tf.range(1, 1 + shape.reduce((n, m) => n * m)), shape) as Tensor4D;

function run(x: Tensor4D, specs: TransformSpec[], at = key, custom?: Record<string, Transform>) {
  const y = applyTransforms(tf, x, specs, at, custom);
  const values = [...y.dataSync()];
  y.dispose();
  return values;
}

t.beforeEach(() => tf.setBackend('wasm'));

t.test('normalize scales to 0 … 1 first, per channel', async t => {
  const x = tf.tensor4d([0, 255, 51, 102], [1, 1, 2, 2]);
  const close = (actual: number[], expected: number[]) =>
    t.ok(
      actual.every((value, i) => Math.abs(value - expected[i]) < 1e-6),
      `${actual}`,
    );
  close(run(x, [normalize({ mean: 0.5, std: 0.25 })]), [-2, 2, -1.2, -0.4]);
  close(run(x, [normalize({ mean: [0, 1], std: [1, 0.5] })]), [0, 0, 0.2, -1.2]);
  for (const options of [
    { mean: [1, 2, 3], std: 1 },
    { mean: 0, std: 0 },
    { mean: Number.NaN, std: 1 },
  ])
    t.throws(() => run(x, [normalize(options)]), { code: 'E_RECIPE', where: 'images of 2 channel(s)' });
});

t.test('horizontalFlip mirrors all images of a batch, or none', async t => {
  const x = counting([2, 1, 3, 1]);
  t.same(run(x, [horizontalFlip({ p: 1 })]), [3, 2, 1, 6, 5, 4]);
  t.same(run(x, [horizontalFlip({ p: 0 })]), [1, 2, 3, 4, 5, 6]);
  const flipped = Array.from(
    { length: 400 },
    (_, index) => run(x, [horizontalFlip()], { ...key, index })[0] === 3,
  );
  const share = flipped.filter(Boolean).length / 400;
  t.ok(Math.abs(share - 0.5) < 0.1, `mirrored ${share} of the batches`);
  t.throws(() => run(x, [horizontalFlip({ p: 2 })]), { code: 'E_RECIPE' });
});

t.test('randomCrop shows one window of the padded images, every offset in turn', async t => {
  const x = counting([2, 3, 4, 2]);
  const seen = new Set<string>();
  for (let index = 0; index < 200; index++) {
    const at = { ...key, index };
    const random = new Random({ ...at, purpose: Purpose.augmentation });
    const [top, left] = [random.below(3), random.below(3)];
    seen.add(`${top},${left}`);
    const padded = tf.pad4d(x, [
      [0, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ]);
    const expected = [...padded.slice([0, top, left, 0], [2, 3, 4, 2]).dataSync()];
    t.same(run(x, [randomCrop({ padding: 1 })], at), expected);
  }
  t.equal(seen.size, 9);
  for (const padding of [0, 1.5, 3]) t.throws(() => run(x, [randomCrop({ padding })]), { code: 'E_RECIPE' });
});

t.test('the draws depend on seed, epoch and batch only, and follow the order of the transforms', async t => {
  const x = counting([1, 8, 8, 1]);
  const specs = [randomCrop({ padding: 3 }), horizontalFlip()];
  t.same(run(x, specs), run(x, specs));
  const runs = [key, { ...key, seed: 4 }, { ...key, epoch: 2 }, { ...key, index: 9 }].map(at =>
    run(x, specs, at).join(),
  );
  t.ok(new Set(runs).size > 1);
});

t.test("a recipe's own transforms; unknown names list the known ones; nothing leaks", async t => {
  const x = counting([1, 2, 2, 1]);
  const before = tf.memory().numTensors;
  const invert: Transform = (tf, images, options) => tf.sub(options.from as number, images) as Tensor4D;
  t.same(run(x, [{ name: 'invert', options: { from: 10 } }], key, { invert }), [9, 8, 7, 6]);
  t.same(run(x, []), [1, 2, 3, 4]);
  t.throws(() => run(x, [{ name: 'flop' }], key, { invert }), {
    code: 'E_RECIPE',
    hint: /normalize, randomCrop, .*, rotate, zoom, affine, invert/,
  });
  t.equal(tf.memory().numTensors, before);
});
