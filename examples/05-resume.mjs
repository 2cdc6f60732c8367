// A fit that is stopped in the middle of an epoch and goes on later: it comes to the same weights, bit for bit.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import {
  Accuracy,
  adamW,
  BatchSchedCB,
  BatchTransformCB,
  CheckpointCB,
  Coordinator,
  chooseDevices,
  DataLoaders,
  defineCallback,
  Learner,
  MetricsCB,
  models,
  normalize,
  OneCycleLR,
  openData,
  randomCrop,
  Subset,
  TrainCB,
} from 'gradring';

const { train, valid } = await openData('sample');
const { imageShape, classes } = train;
const some = new Subset(
  train,
  Array.from({ length: 2000 }, (_, i) => 5 * i),
);
const { engine, devices } = await chooseDevices('cpu:2', 'auto');
const epochs = 2;

/** Runs `use` with all that a fit needs, as a new process would make it. */
async function withLearner(use, cbs = []) {
  const ids = devices.map(({ id }) => id);
  const coordinator = new Coordinator({ engine, devices: ids, recipe: models.mlp, imageShape, classes });
  const loaders = DataLoaders.from({ train: some, valid }, { batchSize: 100 });
  const learn = new Learner(coordinator, loaders, {
    optFunc: adamW(),
    cbs: [
      new TrainCB(),
      new BatchTransformCB(normalize({ mean: 0.28, std: 0.35 })),
      new BatchTransformCB(randomCrop({ padding: 1, perItem: true }), { onValid: false }),
      new BatchSchedCB((opt, totalSteps) => new OneCycleLR(opt, { maxLr: 0.003, totalSteps })),
      new MetricsCB(new Accuracy()),
      ...cbs,
    ],
  });
  try {
    await use(learn);
    return { weights: (await coordinator.getState()).parameters, rows: learn.metrics.history };
  } finally {
    await Promise.all([coordinator.close(), loaders.close()]);
  }
}

const folder = await mkdtemp(join(tmpdir(), 'gradring-resume-'));
try {
  const whole = await withLearner(learn => learn.fit(epochs));

  // Stopped after 27 of 40 steps: as a signal or a budget does, whatever the place.
  const stop = defineCallback({
    afterBatch: learn => {
      if (learn.globalStep === 27) learn.stop('enough for today');
    },
  });
  await withLearner(
    async learn => {
      await learn.fit(epochs, { cbs: [stop] });
      const { path } = learn.find(CheckpointCB).last;
      console.log(`${learn.stopReason}: ${basename(path)}`);
    },
    [new CheckpointCB({ folder })],
  );

  // Weights, moments, schedule, metrics, and the place in the epoch with its order and its random crops.
  const resumed = await withLearner(learn => learn.fit(epochs, { resume: folder }));

  assert.deepEqual(resumed.weights, whole.weights);
  const accuracies = ({ rows }) => rows.filter(row => row.phase === 'valid').map(row => row.accuracy);
  assert.deepEqual(accuracies(resumed), accuracies(whole));
  console.log(
    `resumed: the same ${whole.weights.length} weights, accuracy ${accuracies(resumed).join(', then ')}`,
  );
} finally {
  await rm(folder, { recursive: true });
}
