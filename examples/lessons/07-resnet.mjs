// Lesson 18: residual networks. One of one's own from the building blocks (07-resnet-recipe.mjs): what shapes go through
// it, how many parameters and multiplications it has, and a short training. Then the table of the lesson's get_model4.
import assert from 'node:assert/strict';
import {
  Accuracy,
  adamW,
  BatchTransformCB,
  Coordinator,
  chooseDevices,
  DataLoaders,
  Learner,
  MetricsCB,
  models,
  normalize,
  openData,
  SingleBatchCB,
  Subset,
  TrainCB,
  withHooks,
} from 'gradring';

const { train, valid } = await openData('sample');
const { imageShape, classes } = train;
const every = (dataset, nth) =>
  new Subset(
    dataset,
    Array.from({ length: dataset.length / nth }, (_, i) => i * nth),
  );
const loaders = DataLoaders.from({ train: every(train, 4), valid: every(valid, 4) }, { batchSize: 50 });
const { engine, devices } = await chooseDevices('cpu:2', 'auto');
const metrics = new MetricsCB(new Accuracy());

/** A Learner with replicas of this recipe. */
function learnerOf(recipe) {
  const ids = devices.map(({ id }) => id);
  const coordinator = new Coordinator({ engine, devices: ids, recipe, imageShape, classes });
  const cbs = [new TrainCB(), new BatchTransformCB(normalize({ mean: 0.28, std: 0.35 })), metrics];
  return { coordinator, learn: new Learner(coordinator, loaders, { optFunc: adamW(), cbs }) };
}

const own = learnerOf({ url: new URL('./07-resnet-recipe.mjs', import.meta.url).href, options: {} });
try {
  const { learn } = own;
  const summary = await learn.summary();
  console.log(`${summary}`);

  // The shapes of one batch, seen by a hook on the end of each block: all replicas together.
  const shapes = await withHooks(learn, /^(stem\/act|block\d\/act2|head\/norm)$/, 'shape', async hooks => {
    await learn.capturePreds({ cbs: [new SingleBatchCB()] });
    return Object.fromEntries([...hooks].map(({ layer, value }) => [layer.name, value.join(' × ')]));
  });
  console.table(shapes);
  assert.equal(shapes['block3/act2'], '100 × 4 × 4 × 64');

  const { trainable } = summary.totals;
  assert.equal(
    trainable,
    learn.runner.parameters.reduce((sum, { size }) => sum + size, 0),
  );

  await learn.fitOneCycle(2, { lr: 0.02 });
  for (const { epoch, phase, loss, accuracy } of metrics.history)
    console.log(`epoch ${epoch} ${phase}: loss ${loss.toFixed(3)}, accuracy ${accuracy.toFixed(3)}`);
  assert(metrics.history.at(-1).accuracy > 0.75, `accuracy ${metrics.history.at(-1).accuracy}`);
} finally {
  await own.coordinator.close();
}

const lesson = learnerOf(models.get_model4);
try {
  const { totals } = await lesson.learn.summary();
  console.log(
    `get_model4: ${totals.parameters} parameters, ${totals.mflops.toFixed(1)} MFLOPs as the lesson counts`,
  );
  assert.equal(totals.parameters, 1_224_948);
  assert.equal(totals.mflops.toFixed(1), '13.3');
} finally {
  await Promise.all([lesson.coordinator.close(), loaders.close()]);
}
