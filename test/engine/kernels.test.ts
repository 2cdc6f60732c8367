/** The other kernels of the wasm engine, against the stock cpu ones. */
import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import t from 'tap';
import { tf } from '../../src/engine/tf.js';
import { difference, on } from './backends.js';

/** Smooth values without symmetry, the same on every backend. */
const wave = (shape: number[], phase = 0): Tensor => {
  const size = shape.reduce((n, m) => n * m, 1);
  const values = Float32Array.from(
    { length: size },
    (_, i) => Math.sin(i * 1.7 + phase) + 0.1 * Math.cos(i * i),
  );
  return tf.tensor(values, shape);
};

type Case = [name: string, run: () => Tensor[]];

const gradients = (fn: (...xs: Tensor[]) => Tensor, ...inputs: Tensor[]): Tensor[] => {
  const y = fn(...inputs);
  return [y, ...tf.grads(fn as never)(inputs, wave(y.shape, 2))];
};

const matMulCases: Case[] = [];
for (const transposeA of [false, true])
  for (const transposeB of [false, true])
    for (const [batch, m, k, n] of [
      [0, 5, 7, 6],
      [0, 33, 300, 13],
      [1, 4, 9, 8],
      [3, 6, 5, 10],
    ]) {
      const lead = batch ? [batch] : [];
      matMulCases.push([
        `matMul ${[batch, m, k, n]} transposeA ${transposeA} transposeB ${transposeB}`,
        () =>
          gradients(
            (a, b) => tf.matMul(a, b, transposeA, transposeB),
            wave([...lead, ...(transposeA ? [k, m] : [m, k])]),
            wave([...lead, ...(transposeB ? [n, k] : [k, n])], 1),
          ),
      ]);
    }

const convCases: Case[] = [
  [1, 'same', 1, 3],
  [2, 'same', 2, 3],
  [1, 'valid', 2, 2],
  [3, 'valid', 1, 3],
].map(([stride, pad, multiplier, kernel]) => [
  `depthwise stride ${stride} ${pad} multiplier ${multiplier}`,
  () =>
    gradients(
      (x, w) => tf.depthwiseConv2d(x as Tensor4D, w as Tensor4D, stride as number, pad as 'same'),
      wave([2, 7, 8, 3]),
      wave([kernel as number, kernel as number, 3, multiplier as number], 1),
    ),
]);

const poolCases: Case[] = (['maxPool', 'avgPool'] as const).flatMap(op =>
  [
    [2, 2, 'same', 7],
    [2, 2, 'valid', 8],
    [3, 2, 'same', 9],
    [3, 1, 'same', 6],
  ].map(
    ([size, stride, pad, side]): Case => [
      `${op} ${size} stride ${stride} ${pad} on ${side}`,
      () =>
        gradients(
          x => tf[op](x as Tensor4D, size as number, stride as number, pad as 'same'),
          wave([2, side as number, side as number, 3]),
        ),
    ],
  ),
);

const otherCases: Case[] = [
  [
    'gather with repeated indices',
    () => gradients(x => tf.gather(x, tf.tensor1d([2, 0, 2, 4], 'int32')), wave([5, 6])),
  ],
  [
    'gather along axis 1',
    () => gradients(x => tf.gather(x, tf.tensor1d([1, 1], 'int32'), 1), wave([3, 4, 2])),
  ],
  ['cast to the same dtype, and clone', () => [tf.cast(wave([4]), 'float32'), tf.clone(wave([4]))]],
  [
    'dense with bias',
    () => [tf.fused.matMul({ a: wave([6, 5]) as never, b: wave([5, 3], 1) as never, bias: wave([3], 2) })],
  ],
];

for (const [name, run] of [...matMulCases, ...convCases, ...poolCases, ...otherCases]) {
  t.test(name, async t => {
    const expected = await on('cpu', run);
    const actual = await on('wasm', run);
    const apart = actual.map((values, i) => difference(values, expected[i]));
    t.ok(
      apart.every(value => value < 1e-4),
      `relative differences ${apart.map(value => value.toExponential(1))}`,
    );
  });
}

t.test('average pooling at padded borders: the gradient of what the forward pass averages', async t => {
  // 3×3 pixels in windows of 2×2: four pixels, two, two, and the last one alone.
  for (const backend of ['cpu', 'wasm'] as const) {
    const pool = (x: Tensor) => tf.avgPool(x as Tensor4D, 2, 2, 'same');
    const [y, dx] = await on(backend, () => gradients(pool, tf.fill([1, 3, 3, 1], 5)));
    const dy = await on(backend, () => wave([1, 2, 2, 1], 2));
    t.same([...y], [5, 5, 5, 5]);
    const [a, b, c, d] = dy[0];
    const expected = [a / 4, a / 4, b / 2, a / 4, a / 4, b / 2, c / 2, c / 2, d];
    t.ok(difference(dx, expected) < 1e-6, backend);
  }
});

t.test('a saved tensor shares its memory instead of being copied', async t => {
  await tf.setBackend('wasm');
  const x = tf.ones([1000]);
  const before = tf.memory().numDataBuffers;
  const copies = [tf.clone(x), tf.cast(x, 'float32'), tf.reshape(x, [10, 100])];
  t.equal(tf.memory().numDataBuffers, before);
  x.dispose();
  t.equal(copies[2].dataSync()[999], 1, 'and outlives the original');
  for (const copy of copies) copy.dispose();
});
