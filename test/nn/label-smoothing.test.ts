/** Cross-entropy with label smoothing against values stored from PyTorch (reference/label-smoothing.py). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import t from 'tap';
import { tf } from '../../src/engine/tf.js';
import { crossEntropy, type Reduction } from '../../src/nn/losses.js';
import { packageRoot } from '../../src/package-root.js';
import { type BackendName, difference, on } from '../engine/backends.js';

interface Reference {
  shape: [number, number];
  logits: number[];
  labels: number[];
  cases: { smoothing: number; reduction: Reduction; loss: number; gradient: number[] }[];
}

const file = join(packageRoot(), 'test', 'nn', 'reference', 'label-smoothing.json');
const { shape, logits, labels, cases } = JSON.parse(readFileSync(file, 'utf8')) as Reference;

const lossAndGradient = (
  backend: BackendName,
  values: number[],
  { smoothing, reduction }: Reference['cases'][0],
) =>
  on(backend, () => {
    const target = tf.tensor1d(labels, 'int32');
    const loss = (x: Tensor2D) => crossEntropy(x, target, reduction, smoothing);
    const { value, grad } = tf.valueAndGrad(x => loss(x as Tensor2D))(tf.tensor2d(values, shape));
    return [value, grad];
  });

for (const backend of ['cpu', 'wasm'] as const) {
  t.test(`the loss and its gradient are PyTorch's, on ${backend}`, async t => {
    for (const reference of cases) {
      const [[loss], gradient] = await lossAndGradient(backend, logits, reference);
      const name = `${reference.reduction} with ${reference.smoothing}`;
      t.ok(Math.abs(loss - reference.loss) < 1e-5, `${name}: ${loss}, not ${reference.loss}`);
      t.ok(difference(gradient, reference.gradient) < 1e-6, `gradient of the ${name}`);
    }
  });
}

t.test('the gradient is the difference quotient of the loss', async t => {
  const smoothed = { ...cases[0], smoothing: 0.3 };
  const [, gradient] = await lossAndGradient('cpu', logits, smoothed);
  for (const [i, expected] of gradient.entries()) {
    const at = async (step: number) =>
      (await lossAndGradient('cpu', logits.with(i, logits[i] + step), smoothed))[0][0];
    const quotient = ((await at(0.01)) - (await at(-0.01))) / 0.02;
    t.ok(Math.abs(quotient - expected) < 1e-4, `element ${i}: ${quotient}, not ${expected}`);
  }
});
