/** The histories that ActivationStats keeps, and the pictures drawn of them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { TrainCB } from '../../src/callbacks/train.js';
import { ActivationStats, GradientStats } from '../../src/inspect/activation-stats.js';
import { mergeMoments } from '../../src/inspect/hook-functions.js';
import { Learner } from '../../src/learner/learner.js';
import { threadUrl } from '../../src/thread-url.js';
import { batchOf, syntheticRing } from '../fixtures/batches.js';
import { makeCoordinator } from '../fixtures/coordinators.js';

const recipe = { url: threadUrl('../fixtures/hooks-recipe', import.meta.url).href, options: {} };

t.test('histories of every batch, their charts, and their pictures', async t => {
  const coordinator = makeCoordinator(2, { recipe });
  t.teardown(() => coordinator.close());
  const ring = syntheticRing(10);
  const loader = {
    length: 3,
    async *[Symbol.asyncIterator]() {
      for (const [index, size] of [10, 10, 4].entries()) yield batchOf(ring, size, { index });
    },
  };
  const learn = new Learner(
    coordinator,
    { train: loader, valid: loader },
    { lr: 1e-6, cbs: [new TrainCB()] },
  );
  const stats = new ActivationStats(['LeakyReLU', 'shared'], { bins: 20, max: 200 });
  const gradients = new GradientStats(['head', 'first']);
  await t.rejects(stats.save(t.testdir({})), { code: 'E_CONFIG' });
  await learn.fit(1, { cbs: [stats, gradients] });
  await learn.fit(1, { cbs: [stats] });
  const layers = ['leaky', 'shared', 'shared (use 2)', 'leaky2'];
  t.same(
    stats.histories.map(({ layer }) => layer),
    layers,
  );
  for (const { layer, mean, std, histograms, counts } of stats.histories) {
    t.same(
      [mean, std, histograms].map(({ length }) => length),
      [6, 6, 6],
      layer,
    );
    t.same(
      counts,
      [10, 10, 4, 10, 10, 4].map(samples => samples * 36 * 16),
    );
  }
  const [{ histograms, counts }] = stats.histories;
  const [{ values }] = stats.colorDim();
  t.same([values.length, values[0].length], [20, 6], 'bins by batches');
  t.equal(values[3][5], Math.log1p(histograms[5][3]));
  t.equal(stats.deadChart()[0].share[2], histograms[2][0] / counts[2]);
  t.equal(stats.deadChart({ bins: 2 })[0].share[2], (histograms[2][0] + histograms[2][1]) / counts[2]);
  t.throws(() => stats.deadChart({ bins: 21 }), { code: 'E_CONFIG' });
  t.same(
    gradients.histories.map(({ layer, mean }) => [layer, mean.length]),
    [
      ['first', 3],
      ['head', 3],
    ],
  );
  t.ok(gradients.deadChart()[0].share.every(share => share < 0.5));

  const folder = t.testdir({});
  const pictures = await stats.save(folder);
  t.same(
    pictures,
    ['color-dim.svg', 'dead-chart.svg', 'stats.svg'].map(name => join(folder, name)),
  );
  for (const picture of pictures) {
    const svg = readFileSync(picture, 'utf8');
    for (const layer of layers) t.ok(svg.includes(layer), `${picture} names ${layer}`);
    t.ok(existsSync(picture.replace('.svg', '.json')));
  }
  stats.reset();
  t.same(stats.histories, []);
});

t.test('moments of two sets together are those of all numbers', async t => {
  // Far from 0 and close together: a difference of squares would lose every digit.
  const numbers = Array.from({ length: 1000 }, (_, i) => 1e8 + Math.sin(i * i));
  const momentsOf = (all: readonly number[]) => {
    const mean = all.reduce((sum, x) => sum + (x - 1e8), 0) / all.length + 1e8;
    return { count: all.length, mean, m2: all.reduce((sum, x) => sum + (x - mean) ** 2, 0) };
  };
  const whole = momentsOf(numbers);
  for (const cut of [1, 333, 999]) {
    const merged = mergeMoments(momentsOf(numbers.slice(0, cut)), momentsOf(numbers.slice(cut)));
    t.equal(merged.count, 1000);
    t.ok(Math.abs(merged.mean - whole.mean) < 1e-6);
    t.ok(Math.abs(merged.m2 / whole.m2 - 1) < 1e-6);
  }
});
