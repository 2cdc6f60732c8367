/**
 * tf.image.transform on the engines whose stock kernel is wrong: the cpu one leaves all images but the first empty, the
 * wasm one takes the last pixel for reflections below 0. A row of pixels moved by a quarter more than six shows each.
 */
import type { Tensor4D } from '@tensorflow/tfjs-core';
import t from 'tap';
import { tf } from '../../src/engine/tf.js';
import '../engine/backends.js';

const rows = (...values: number[]): Tensor4D => tf.tensor4d(values, [values.length / 4, 1, 4, 1]);
/** abcd, reflected: … dcba abcd dcba …, between its neighbours at each quarter. */
const reflected = (values: number[], from: number, count: number): number[] => {
  const at = (i: number) => {
    const place = ((i % 8) + 8) % 8;
    return values[place < 4 ? place : 7 - place];
  };
  return Array.from(
    { length: count },
    (_, i) => 0.75 * at(Math.floor(from) + i) + 0.25 * at(Math.floor(from) + i + 1),
  );
};

for (const engine of ['cpu', 'wasm']) {
  t.test(`${engine}: each image of a batch, by its own map or the same`, async t => {
    await tf.setBackend(engine);
    const x = rows(10, 20, 30, 40, 50, 70, 90, 60);
    const before = tf.memory().numTensors;
    const moved = (...by: number[]) =>
      tf.tidy(() => [
        ...tf.image
          .transform(
            x,
            tf.tensor2d(
              by.flatMap(c => [1, 0, c, 0, 1, 0, 0, 0]),
              [by.length, 8],
            ),
            'bilinear',
            'constant',
          )
          .dataSync(),
      ]);
    t.same(moved(1), [20, 30, 40, 0, 70, 90, 60, 0]);
    t.same(moved(1, -1), [20, 30, 40, 0, 0, 50, 70, 90]);
    t.equal(tf.memory().numTensors, before);
    x.dispose();
  });

  t.test(
    `${engine}: reflections go on for ever on both sides, in a larger result and in perspective`,
    async t => {
      await tf.setBackend(engine);
      const values = [10, 20, 30, 44];
      for (const from of [-23.75, -6.75, -0.75, 3.25])
        for (const slope of [0, 1e-9]) {
          const map = tf.tensor2d([1, 0, from, 0, 1, 0, slope, 0], [1, 8]);
          const y = tf.image.transform(rows(...values), map, 'bilinear', 'reflect', 0, [1, 16]);
          const expected = reflected(values, from, 16);
          const actual = [...y.dataSync()];
          // Between the outermost pixel and its reflection, which are equal, coordinates are cut off: no difference.
          t.ok(
            actual.every((value, i) => Math.abs(value - expected[i]) < 1e-3),
            `${from}: ${actual} ${expected}`,
          );
        }
    },
  );
}
