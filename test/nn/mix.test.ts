/** What MixUp and CutMix draw, and the images they make of it. */
import type { Tensor4D } from '@tensorflow/tfjs-core';
import t from 'tap';
import { tf } from '../../src/engine/tf.js';
import { betaDraw } from '../../src/nn/beta.js';
import { drawMix, mixImages } from '../../src/nn/mix.js';
import { Purpose, Random } from '../../src/random.js';
import '../engine/backends.js';

const key = { seed: 5, epoch: 1, index: 2 };
const draws = (kind: 'mixup' | 'cutmix', alpha: number, count = 400) =>
  Array.from({ length: count }, (_, index) => drawMix({ kind, alpha }, { ...key, index }, 9, [12, 10]));

t.beforeEach(() => tf.setBackend('cpu'));

t.test('Beta(alpha, alpha) has its mean and variance', async t => {
  const random = new Random({ seed: 1, purpose: Purpose.mix });
  for (const alpha of [0.2, 0.4, 1, 3.5]) {
    const values = Array.from({ length: 20_000 }, () => betaDraw(alpha, random));
    const mean = values.reduce((a, b) => a + b) / values.length;
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
    t.ok(values.every(value => value >= 0 && value <= 1));
    t.ok(Math.abs(mean - 0.5) < 0.012, `mean ${mean} of ${alpha}`);
    t.ok(Math.abs(variance - 1 / (4 * (2 * alpha + 1))) < 0.004, `variance ${variance} of ${alpha}`);
  }
  t.ok(Number.isFinite(betaDraw(1e-4, random)), 'where the draws themselves underflow');
  for (const alpha of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
    t.throws(() => betaDraw(alpha, random), { code: 'E_RECIPE' });
});

t.test('partners are a permutation of the global batch, and a draw repeats', async t => {
  for (const draw of draws('mixup', 0.4, 20)) t.same([...draw.partners].sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  t.same(draws('cutmix', 1, 20), draws('cutmix', 1, 20));
  const orders = new Set(draws('mixup', 0.4, 20).map(({ partners }) => partners.join()));
  t.equal(orders.size, 20);
});

t.test('the share of MixUp is the larger one; that of CutMix is the area outside of its box', async t => {
  const shares = draws('mixup', 0.4).map(({ share }) => share);
  t.ok(shares.every(share => share >= 0.5 && share <= 1));
  t.ok(Math.min(...shares) < 0.55 && Math.max(...shares) > 0.99);
  const boxes = draws('cutmix', 1).map(({ box, share }) => ({ ...box!, share }));
  for (const { top, left, height, width, share } of boxes) {
    t.ok(top >= 0 && left >= 0 && top + height <= 12 && left + width <= 10);
    t.equal(share, 1 - (height * width) / 120);
  }
  t.ok(boxes.some(({ height }) => height > 9) && boxes.some(({ height }) => height < 3));
  t.ok(boxes.some(({ top }) => top === 0) && boxes.some(({ left, width }) => left + width === 10));
});

t.test('images: a weighted sum, or a rectangle of the other one', async t => {
  const own = tf.range(0, 24).reshape([2, 3, 4, 1]) as Tensor4D;
  const partner = tf.mul(own, -1) as Tensor4D;
  const blended = mixImages(tf, own, partner, { partners: new Uint32Array(2), share: 0.75 });
  t.same(
    [...blended.dataSync()],
    [...own.dataSync()].map(value => value / 2),
  );
  const box = { top: 1, left: 2, height: 2, width: 1 };
  const cut = mixImages(tf, own, partner, { partners: new Uint32Array(2), share: 5 / 6, box });
  const inBox = [6, 10, 18, 22];
  t.same(
    [...cut.dataSync()],
    [...own.dataSync()].map(value => (inBox.includes(value) ? -value : value)),
  );
});
