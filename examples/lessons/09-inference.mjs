// Lesson 18: what trained models say. Predictions in the order of the dataset, test-time augmentation, an ensemble of
// two, a model saved and loaded again, and a picture of what is taken for what.
// node examples/lessons/09-inference.mjs [FOLDER]: confusion.png and the weights go there.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  Accuracy,
  accuracyOf,
  adamW,
  BatchTransformCB,
  ConfusionMatrix,
  Coordinator,
  chooseDevices,
  DataLoaders,
  ensemblePreds,
  horizontalFlip,
  Learner,
  MetricsCB,
  models,
  normalize,
  openData,
  Subset,
  savePlot,
  TrainCB,
} from 'gradring';

const folder = process.argv[2] ?? 'runs/lessons';

const { train, valid } = await openData('sample');
const { imageShape, classes } = train;
const every = (dataset, nth) =>
  new Subset(
    dataset,
    Array.from({ length: dataset.length / nth }, (_, i) => i * nth),
  );
const data = { train: every(train, 2), valid: every(valid, 2) };
const { engine, devices } = await chooseDevices('cpu:2', 'auto');
const loaders = DataLoaders.from(data, { batchSize: 100 });
const confusion = new ConfusionMatrix(classes);

/** Replicas of one model, by its seed. */
function learnerOf(seed) {
  const coordinator = new Coordinator({
    engine,
    devices: devices.map(({ id }) => id),
    recipe: models.conv64,
    imageShape,
    classes,
    seed,
  });
  const learn = new Learner(coordinator, loaders, {
    optFunc: adamW(),
    cbs: [
      new TrainCB(),
      new BatchTransformCB(normalize({ mean: 0.28, std: 0.35 })),
      new BatchTransformCB(horizontalFlip(), { onValid: false }),
      new MetricsCB(new Accuracy(), { confusion }),
    ],
  });
  return { learn, coordinator };
}

const [first, second] = [learnerOf(1), learnerOf(2)];
const percent = ({ preds, targets }) => Math.round(10000 * accuracyOf(preds, targets)) / 100;

try {
  await first.learn.fitOneCycle(1, { lr: 0.02 });
  await second.learn.fitOneCycle(1, { lr: 0.02 });

  // --- Predictions: all replicas, rows in the order of the dataset ---------------------------------------------------
  const captured = await first.learn.capturePreds();
  assert.deepEqual([...captured.indices], [...data.valid.labels.keys()]);
  assert.deepEqual(captured.targets, Int32Array.from(data.valid.labels));
  const { accuracy } = await first.learn.validate();
  assert.equal(accuracyOf(captured.preds, captured.targets), accuracy);

  // --- Which classes are taken for which, in that validation ----------------------------------------------------------
  const { picture } = await savePlot(confusion.chart(), join(folder, 'confusion.png'));
  console.log(picture);
  const counts = confusion.matrix().flat();
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    data.valid.length,
  );

  // --- Test-time augmentation: the mean of the image's and its mirror image's scores; and two models' mean ----------
  const tta = await first.learn.tta();
  const other = await second.learn.capturePreds();
  const both = ensemblePreds([captured, other]);
  console.log(`first model ${percent(captured)} %, with its mirror images ${percent(tta)} %`);
  console.log(`second model ${percent(other)} %, both together ${percent(both)} %`);
  assert(accuracy > 0.7, `accuracy ${accuracy}`);
  assert(percent(tta) > percent(captured) - 1);
  assert(percent(both) > Math.max(percent(captured), percent(other)) - 0.5);

  // --- One image -----------------------------------------------------------------------------------------------------
  const { className, probability } = await first.learn.classify(await data.valid.get(0));
  const truth = classes[data.valid.labels[0]];
  console.log(`image 0: ${truth}, taken for ${className} with probability ${probability.toFixed(2)}`);

  // --- Saved, and loaded into replicas that had other weights --------------------------------------------------------
  const file = join(folder, 'first');
  await first.learn.save(file);
  const report = await second.learn.load(file, { optimizer: false });
  const again = await second.learn.capturePreds();
  assert.equal(report.missing.length, 0);
  assert.deepEqual(again.preds, captured.preds);
  console.log(`loaded into the second model, ${file}.safetensors gives the first one's predictions`);
} finally {
  await Promise.all([first.coordinator.close(), second.coordinator.close(), loaders.close()]);
}
