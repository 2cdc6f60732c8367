// Lesson 15: an autoencoder. Its target is the image itself, so it needs a loss of its own; labels are not used.
// node examples/lessons/03-autoencoder.mjs [FOLDER]: reconstructions.png goes there.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  adam,
  BatchTransformCB,
  Coordinator,
  chooseDevices,
  DataLoaders,
  Learner,
  MetricsCB,
  models,
  normalize,
  openData,
  picturesOf,
  Subset,
  subplots,
  TrainCB,
} from 'gradring';

const folder = process.argv[2] ?? 'runs/lessons';
const scale = { mean: 0.28, std: 0.35 };

const { train, valid } = await openData('sample');
const { imageShape, classes } = train;
const { engine, devices } = await chooseDevices('cpu:2', 'auto');
const coordinator = new Coordinator({
  engine,
  devices: devices.map(({ id }) => id),
  // Padded to 32×32, convolutions down to 4×4×8, up again, and cropped to 28×28: an eighth of the numbers in between.
  // Its loss, in the recipe: the mean square of (output − image), both 0 … 1.
  recipe: { ...models.autoencoder, options: { filters: [8, 16, 8] } },
  imageShape,
  classes,
});
// Half of the images will do: every second one.
const half = new Subset(
  train,
  Array.from({ length: train.length / 2 }, (_, i) => 2 * i),
);
const loaders = DataLoaders.from({ train: half, valid }, { batchSize: 32 });
const metrics = new MetricsCB();
const learn = new Learner(coordinator, loaders, {
  optFunc: adam(),
  cbs: [new TrainCB(), new BatchTransformCB(normalize(scale)), metrics],
});

/** The loss once more, by hand, from what the model got and what it gave. */
function meanSquare({ preds, inputs }) {
  const square = (sum, pred, i) => sum + (pred - (inputs.data[i] * scale.std + scale.mean)) ** 2;
  return preds.data.reduce(square, 0) / preds.data.length;
}

try {
  const before = await learn.validate();
  await learn.fitOneCycle(1, { lr: 0.02 });
  const { loss } = metrics.history.at(-1);
  console.log(`mean squared error ${before.loss.toFixed(4)} before, ${loss.toFixed(4)} after one epoch`);

  const captured = await learn.capturePreds({ inputs: true });
  const byHand = meanSquare(captured);
  assert(Math.abs(byHand - loss) < 1e-5, `by hand ${byHand}, the replicas say ${loss}`);

  // The first image of each class above, below what the model makes of it: [samples, 28, 28, 1].
  const rows = classes.map((_, label) => captured.targets.indexOf(label));
  const [images, reconstructions] = [picturesOf(captured.inputs), picturesOf(captured.preds)];
  const figure = subplots(2, classes.length, { title: 'Images and their reconstructions', imsize: 100 });
  rows.forEach((row, column) => {
    figure.axes[column].showImage(images[row], { ...scale, title: classes[column] });
    figure.axes[classes.length + column].showImage(reconstructions[row], { range: [0, 1] });
  });
  console.log(await figure.save(join(folder, 'reconstructions.png')));

  assert(loss < before.loss / 3, `mean squared error ${loss}`);
} finally {
  await Promise.all([coordinator.close(), loaders.close()]);
}
