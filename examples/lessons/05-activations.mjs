// Lesson 16: looking inside. The same convolutions are trained twice: with pixels of 0 … 1 and a rate that is too high,
// and with normalised pixels, weights that suit the activation, GeneralRelu, and a moderate rate.
// node examples/lessons/05-activations.mjs [FOLDER]: pictures of both go there.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  ActivationStats,
  BatchTransformCB,
  Coordinator,
  chooseDevices,
  DataLoaders,
  Learner,
  models,
  normalize,
  openData,
  Subset,
  setSeed,
  TrainCB,
} from 'gradring';

const folder = process.argv[2] ?? 'runs/lessons';
setSeed(1);

const { train, valid } = await openData('sample');
const { imageShape, classes } = train;
const some = new Subset(
  train,
  Array.from({ length: 4000 }, (_, i) => i),
);
const { engine, devices } = await chooseDevices('cpu:2', 'auto');
const filters = [8, 16, 32, 64];

const runs = {
  bad: {
    recipe: { ...models.cnn, options: { filters } },
    scale: { mean: 0, std: 1 },
    lr: 1,
    // ReLU is part of these convolutions.
    layers: /^conv[1-4]$/,
  },
  good: {
    recipe: { ...models.conv64, options: { filters, norm: false } },
    scale: { mean: 0.28, std: 0.35 },
    lr: 0.1,
    layers: /^conv[1-4]\/act$/,
  },
};

/** Trains once through, and returns what was seen of the activations. */
async function look({ recipe, scale, lr, layers }) {
  const coordinator = new Coordinator({
    engine,
    devices: devices.map(({ id }) => id),
    recipe,
    imageShape,
    classes,
  });
  const loaders = DataLoaders.from({ train: some, valid }, { batchSize: 64 });
  // Of each batch: mean, standard deviation, and a histogram of |activation| in 40 bins over 0 … 10.
  const stats = new ActivationStats(layers);
  const learn = new Learner(coordinator, loaders, {
    lr,
    // Else a loss that is not a number ends the fit.
    stopOnNonFinite: false,
    cbs: [new TrainCB(), new BatchTransformCB(normalize(scale)), stats],
  });
  try {
    await learn.fit(1, { valid: false });
    return stats;
  } finally {
    await Promise.all([coordinator.close(), loaders.close()]);
  }
}

/** Of each layer over the last ten batches. */
const late = values => values.slice(-10).reduce((sum, value) => sum + value, 0) / 10;

const dead = {};
const spread = {};
for (const [name, run] of Object.entries(runs)) {
  const stats = await look(run);
  await stats.save(join(folder, name), { format: 'png' });
  const shares = stats.deadChart();
  dead[name] = shares.map(({ share }) => late(share));
  spread[name] = stats.plotStats().map(({ std }) => late(std));
  console.log(`${name}: learning rate ${run.lr}`);
  console.table(
    stats.plotStats().map(({ layer, mean, std }, i) => ({
      layer,
      mean: late(mean).toFixed(3),
      std: late(std).toFixed(3),
      'near zero': dead[name][i].toFixed(3),
    })),
  );

  // What the pictures are drawn from: one column a batch, one row a bin.
  const [{ values }] = stats.colorDim();
  assert.equal(values.length, 40);
  assert.equal(values[0].length, Math.ceil(some.length / 64));
}

// Dead layers say the same whatever the image is: all near zero, no spread. What is wanted is a spread near 1. (A dead
// GeneralRelu would be near −0.4, out of the lowest bin: hence the second check.)
assert(Math.max(...dead.bad) > 0.95 && Math.min(...spread.bad) < 0.1, `bad: ${dead.bad}, ${spread.bad}`);
assert(Math.max(...dead.good) < 0.5 && Math.min(...spread.good) > 0.5, `good: ${dead.good}, ${spread.good}`);
console.log(`pictures: ${folder}`);
