// What watches over a fit and bends it: numbers written to files as it goes, averaged weights, clipped gradients,
// several batches a step, and an end when it gets no better.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Accuracy,
  adamW,
  BatchTransformCB,
  Coordinator,
  CsvTracker,
  chooseDevices,
  DataLoaders,
  EarlyStoppingCB,
  EmaCB,
  GradientAccumulationCB,
  GradientClipCB,
  JsonLinesTracker,
  Learner,
  MetricsCB,
  models,
  normalize,
  openData,
  StopOnNaNCB,
  Subset,
  TensorBoardTracker,
  ThroughputCB,
  TrackerCB,
  TrainCB,
} from 'gradring';

const { train, valid } = await openData('sample');
const { imageShape, classes } = train;
const every = (dataset, nth) =>
  new Subset(
    dataset,
    Array.from({ length: dataset.length / nth }, (_, i) => i * nth),
  );
const { engine, devices } = await chooseDevices('cpu:2', 'auto');
const coordinator = new Coordinator({
  engine,
  devices: devices.map(({ id }) => id),
  recipe: models.mlp,
  imageShape,
  classes,
});
const loaders = DataLoaders.from({ train: every(train, 10), valid: every(valid, 4) }, { batchSize: 50 });
const folder = process.argv[2] ?? (await mkdtemp(join(tmpdir(), 'gradring-tracking-')));

// A tracker is anything with start, log, flush and finish: numbers and the step they belong to.
const losses = [];
const own = {
  start: ({ name, config }) => console.log(`${name}: ${JSON.stringify(config)}`),
  log: (values, step) => 'loss/batch' in values && losses.push({ step, loss: values['loss/batch'] }),
  flush() {},
  finish: outcome => console.log(`outcome: ${outcome}`),
};
const trackers = [
  own,
  new JsonLinesTracker(join(folder, 'fit.jsonl')),
  new CsvTracker(join(folder, 'fit.csv')),
  // tensorboard --logdir FOLDER
  new TensorBoardTracker(join(folder, 'tensorboard')),
];

const clip = new GradientClipCB({ norm: 1 });
const stopping = new EarlyStoppingCB({ monitor: 'accuracy', patience: 2 });
const metrics = new MetricsCB(new Accuracy());
const learn = new Learner(coordinator, loaders, {
  lr: 0.01,
  optFunc: adamW(),
  cbs: [
    new TrainCB(),
    new BatchTransformCB(normalize({ mean: 0.28, std: 0.35 })),
    metrics,
    new GradientAccumulationCB({ batches: 2 }),
    clip,
    new EmaCB({ decay: 0.9 }),
    new StopOnNaNCB(),
    new ThroughputCB(),
    new TrackerCB(trackers, { name: 'mlp', config: { batchSize: 50, batchesPerStep: 2 } }),
    stopping,
  ],
});

try {
  await learn.fit(30);
  console.log(
    `${learn.stopReason}; ${learn.globalStep} steps, norm of the last gradient ${clip.lastNorm.toFixed(2)}`,
  );
  const { value, epoch } = stopping.best;
  console.log(`best accuracy, of the averaged weights: ${value} in epoch ${epoch}`);

  const epochs = metrics.history.length / 2;
  assert(epochs < 30 && epochs === epoch + 2);
  assert.equal(learn.globalStep, epochs * learn.stepsPerEpoch);
  assert.equal(learn.stepsPerEpoch, loaders.train.length / 2);
  assert.equal(losses.length, learn.globalStep);
  assert(value > 0.7, `accuracy ${value}`);

  const lines = (await readFile(join(folder, 'fit.jsonl'), 'utf8')).trim().split('\n').map(JSON.parse);
  console.log(lines.at(-2));
  const table = (await readFile(join(folder, 'fit.csv'), 'utf8')).trim().split('\n');
  assert(lines.length > losses.length && table[0].includes('accuracy/valid'));
} finally {
  await Promise.all([coordinator.close(), loaders.close()]);
  if (!process.argv[2]) await rm(folder, { recursive: true });
}
