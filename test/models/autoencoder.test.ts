/** The autoencoder: it learns images it has not seen on replicas, whatever they are normalised by. */
import type { Tensor1D } from '@tensorflow/tfjs-core';
import t from 'tap';
import { BatchTransformCB } from '../../src/callbacks/batch-transform.js';
import { MetricsCB } from '../../src/callbacks/metrics.js';
import { TrainCB } from '../../src/callbacks/train.js';
import { DataLoaders } from '../../src/data/data-loaders.js';
import { Subset } from '../../src/data/datasets/subset.js';
import { openData } from '../../src/data/open-dataset.js';
import { tf } from '../../src/engine/tf.js';
import { Learner } from '../../src/learner/learner.js';
import { adam } from '../../src/learner/optimizer.js';
import autoencoder from '../../src/models/autoencoder.js';
import { models } from '../../src/models/catalog.js';
import { normalize } from '../../src/nn/transform-specs.js';
import type { LossFunction } from '../../src/worker/recipe.js';
import { makeCoordinator } from '../fixtures/coordinators.js';
import '../engine/backends.js';

t.test('it learns', async t => {
  const { train, valid } = await openData('sample');
  const { imageShape, classes } = train;
  const recipe = { ...models.autoencoder, options: { filters: [4, 8], init: { leaky: 0 } } };
  const runner = makeCoordinator(2, { recipe, imageShape, classes });
  const rows = (count: number) => Array.from({ length: count }, (_, row) => row);
  const data = { train: new Subset(train, rows(400)), valid: new Subset(valid, rows(100)) };
  const loaders = DataLoaders.from(data, { batchSize: 20, numWorkers: 0, seed: 1 });
  t.teardown(() => Promise.all([loaders.close(), runner.close()]));
  const transforms = new BatchTransformCB(normalize({ mean: 0.28, std: 0.35 }));
  const cbs = [new TrainCB(), transforms, new MetricsCB()];
  const learn = new Learner(runner, loaders, { lr: 0.01, optFunc: adam(), cbs });
  const loss = () => learn.metrics!.history.at(-1)!.loss;
  await learn.fit(1, { train: false });
  const before = loss();
  await learn.fit(3);
  t.ok(before > 0.1 && loss() < 0.4 * before, `mean squared error ${before} → ${loss()}`);
});

t.test('its loss compares with pixels 0 … 1, on every scale', async t => {
  await tf.setBackend('cpu');
  const pixels = tf.tensor4d([0, 255, 51, 102], [1, 2, 2, 1]);
  const output = tf.tensor4d([0.5, 0.5, 0.2, 0.2], [1, 2, 2, 1]);
  const loss = autoencoder.loss as LossFunction;
  const labels = tf.tensor1d([0], 'int32') as Tensor1D;
  const normalised = tf.div(tf.sub(tf.div(pixels, 255), 0.28), 0.35);
  for (const [inputs, scale] of [
    [pixels, {}],
    [normalised, { normalizedBy: { mean: 0.28, std: 0.35 } }],
  ] as const) {
    const [value] = loss(tf, output, labels, inputs as typeof pixels, scale).dataSync();
    t.ok(Math.abs(value - (0.25 + 0.25 + 0 + 0.04) / 4) < 1e-6, `${value}`);
  }
});
