// Lesson 18: augmentation on the devices. What the model really sees of a batch, with each transform and with MixUp;
// then a training with all of them, its labels smoothed.
// node examples/lessons/08-augmentation.mjs [FOLDER]: a picture for each transform goes there.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  Accuracy,
  adamW,
  BatchTransformCB,
  Coordinator,
  CutMixCB,
  chooseDevices,
  DataLoaders,
  horizontalFlip,
  Learner,
  MetricsCB,
  MixUpCB,
  models,
  normalize,
  openData,
  randCopy,
  randErase,
  randomCrop,
  Subset,
  TrainCB,
} from 'gradring';

const folder = process.argv[2] ?? 'runs/lessons';
const scale = { mean: 0.28, std: 0.35 };

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
  recipe: models.conv64,
  // A tenth of each target is spread over all classes, in training; validation is without.
  loss: { name: 'crossEntropy', labelSmoothing: 0.1 },
  imageShape,
  classes,
});
const loaders = DataLoaders.from({ train: every(train, 3), valid: every(valid, 4) }, { batchSize: 50 });
const metrics = new MetricsCB(new Accuracy());
const learn = new Learner(coordinator, loaders, {
  optFunc: adamW(),
  cbs: [new TrainCB(), new BatchTransformCB(normalize(scale)), metrics],
});

/** As in the lessons, one draw for all images of a batch; `perItem` gives each its own. */
const transform = (...specs) => new BatchTransformCB(specs, { onValid: false });
const augmentations = {
  none: [],
  // What is added is 0, which is grey in normalised images, unless another value is given: this one is black.
  crop: [transform(randomCrop({ padding: 4, pad: -scale.mean / scale.std, perItem: true }))],
  flip: [transform(horizontalFlip({ perItem: true }))],
  'rand-erase': [transform(randErase({ maxNum: 4, perItem: true }))],
  'rand-copy': [transform(randCopy({ maxNum: 4, perItem: true }))],
  mixup: [new MixUpCB({ alpha: 0.8 })],
  cutmix: [new CutMixCB()],
};

try {
  // Always the same images: nothing is trained, and the loader stays where it is.
  const seen = {};
  for (const [name, cbs] of Object.entries(augmentations)) {
    const file = join(folder, `${name}.png`);
    const figure = await learn.showImageBatch({ max: 8, rows: 2, cbs, title: name, file, ...scale });
    seen[name] = Buffer.concat(figure.axes.map(({ pixels }) => pixels.data));
  }
  for (const [name, pixels] of Object.entries(seen))
    assert.equal(pixels.equals(seen.none), name === 'none', `${name} changes the images`);
  console.log(`pictures: ${folder}`);

  const all = [
    transform(randomCrop({ padding: 1 }), horizontalFlip(), randErase({ maxNum: 2 })),
    new MixUpCB({ alpha: 0.2 }),
  ];
  await learn.fitOneCycle(2, { lr: 0.02, cbs: all });
  for (const { epoch, phase, loss, accuracy } of metrics.history)
    console.log(`epoch ${epoch} ${phase}: loss ${loss.toFixed(3)}, accuracy ${accuracy.toFixed(3)}`);
  const [trained, validated] = metrics.history.slice(-2);
  // What is trained on is harder than what is judged on.
  assert(trained.loss > validated.loss);
  assert(validated.accuracy > 0.75, `accuracy ${validated.accuracy}`);
} finally {
  await Promise.all([coordinator.close(), loaders.close()]);
}
