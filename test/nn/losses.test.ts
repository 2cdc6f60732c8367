/** Losses against their definitions in float64, on both host engines and by composition. */
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import t from 'tap';
import { FusedKernel } from '../../src/engine/fused-kernels.js';
import { tf } from '../../src/engine/tf.js';
import { crossEntropy, mse, type Reduction } from '../../src/nn/losses.js';
import { type BackendName, difference, on } from '../engine/backends.js';

const [samples, classes] = [6, 5];
const logits = Float64Array.from({ length: samples * classes }, (_, i) => 3 * Math.sin(i * 2.3));
const labels = [0, 4, 2, 2, 1, 3];

function softmax(values: ArrayLike<number>, row: number): number[] {
  const scores = Array.from({ length: classes }, (_, c) => values[row * classes + c]);
  const highest = Math.max(...scores);
  const powers = scores.map(score => Math.exp(score - highest));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map(power => power / sum);
}

const expectedLoss = labels.reduce((sum, label, row) => sum - Math.log(softmax(logits, row)[label]), 0);
const expectedGradient = labels.flatMap((label, row) =>
  softmax(logits, row).map((probability, c) => probability - (c === label ? 1 : 0)),
);

async function lossAndGradient(backend: BackendName, reduction: Reduction) {
  return on(backend, () => {
    const target = tf.tensor1d(labels, 'int32');
    const x = tf.tensor2d(Float32Array.from(logits), [samples, classes]);
    const { value, grad } = tf.valueAndGrad(y => crossEntropy(y as Tensor2D, target, reduction))(x);
    return [value, grad];
  });
}

async function check(t: { ok(value: boolean, name: string): void }, backend: BackendName) {
  for (const [reduction, divisor] of [
    ['mean', samples],
    ['sum', 1],
  ] as const) {
    const [[loss], gradient] = await lossAndGradient(backend, reduction);
    t.ok(Math.abs(loss - expectedLoss / divisor) < 1e-5 * expectedLoss, `${backend} ${reduction}`);
    const expected = expectedGradient.map(value => value / divisor);
    t.ok(difference(gradient, expected) < 1e-5, `${backend} ${reduction} gradient`);
  }
}

t.test('cross-entropy, mean and sum, and its gradient to 1e-5', async t => {
  await check(t, 'cpu');
  await check(t, 'wasm');
});

t.test('the composition for backends without our kernels', async t => {
  const names = [FusedKernel.crossEntropy, FusedKernel.crossEntropyGrad];
  const kernels = names.map(name => tf.getKernel(name, 'cpu'));
  for (const name of names) tf.unregisterKernel(name, 'cpu');
  t.teardown(() => {
    for (const kernel of kernels) tf.registerKernel(kernel);
  });
  await check(t, 'cpu');
});

t.test('logits of ±1000 give a finite loss and gradient', async t => {
  for (const backend of ['cpu', 'wasm'] as const) {
    const [[loss], gradient] = await on(backend, () => {
      const target = tf.tensor1d([1, 0], 'int32');
      const x = tf.tensor2d([1000, -1000, 1000, -1000], [2, 2]);
      const { value, grad } = tf.valueAndGrad(y => crossEntropy(y as Tensor2D, target, 'sum'))(x);
      return [value, grad];
    });
    t.equal(loss, 2000, backend);
    t.same([...gradient], [1, -1, 0, 0]);
  }
});

t.test('a label without an output is named', async t => {
  await tf.setBackend('wasm');
  const run = (label: number) => () =>
    tf.tidy(() => crossEntropy(tf.zeros([2, 3]) as Tensor2D, tf.tensor1d([0, label], 'int32')));
  t.throws(run(3), { code: 'E_RECIPE', message: /Label 3.*3 outputs/, where: 'row 1 of the batch' });
  t.throws(run(-1), { code: 'E_RECIPE' });
});

t.test('mean squared error, per element and per sample, and its gradient', async t => {
  for (const backend of ['cpu', 'wasm'] as const) {
    for (const [reduction, factor] of [
      ['mean', 1 / 6],
      ['sum', 1 / 3],
    ] as const) {
      const [[loss], gradient] = await on(backend, () => {
        const target = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]) as Tensor;
        const x = tf.tensor2d([1, 1, 1, 5, 5, 5], [2, 3]);
        const { value, grad } = tf.valueAndGrad(y => mse(y as Tensor, target, reduction))(x);
        return [value, grad];
      });
      t.ok(Math.abs(loss - 7 * factor) < 1e-6, `${backend} ${reduction}`);
      t.ok(
        difference(
          gradient,
          [0, -2, -4, 2, 0, -2].map(value => value * factor),
        ) < 1e-6,
      );
    }
  }
});
