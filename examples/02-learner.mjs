// The parts that train() is made of, put together by hand, with a callback and a metric of one's own.
import assert from 'node:assert/strict';
import {
  Accuracy,
  BatchSchedCB,
  BatchTransformCB,
  Callback,
  Coordinator,
  chooseDevices,
  DataLoaders,
  Learner,
  Metric,
  MetricsCB,
  models,
  normalize,
  OneCycleLR,
  openData,
  sgd,
  TrainCB,
} from 'gradring';

/** Remembers the loss of every training batch. */
class LossCurveCB extends Callback {
  losses = [];

  afterBatch(learn) {
    if (learn.training) this.losses.push(learn.loss);
  }
}

/** Mean of the highest score of each sample, right or wrong: how sure the model is of itself. */
class HighestScore extends Metric {
  #sum = 0;
  #count = 0;

  reset() {
    this.#sum = 0;
    this.#count = 0;
  }

  update({ data, shape: [size, width] }) {
    for (let i = 0; i < size; i++) this.#sum += Math.max(...data.subarray(i * width, (i + 1) * width));
    this.#count += size;
  }

  compute() {
    return this.#sum / this.#count;
  }

  merge(other) {
    this.#sum += other.#sum;
    this.#count += other.#count;
  }
}

const data = await openData('sample');
const { engine, devices } = await chooseDevices('cpu:2', 'auto');
const coordinator = new Coordinator({
  engine,
  devices: devices.map(({ id }) => id),
  recipe: models.mlp,
  imageShape: data.train.imageShape,
  classes: data.train.classes,
});
const loaders = DataLoaders.from(data, { batchSize: 100 });
const curve = new LossCurveCB();
const learn = new Learner(coordinator, loaders, {
  lr: 0.1,
  optFunc: sgd({ groups: [{ match: /bias$/, weightDecay: 0 }], weightDecay: 1e-4 }),
  cbs: [
    new TrainCB(),
    new BatchTransformCB(normalize({ mean: 0.28, std: 0.35 })),
    new BatchSchedCB((opt, totalSteps) => new OneCycleLR(opt, { maxLr: 0.1, totalSteps })),
    new MetricsCB(new Accuracy(), { highest: new HighestScore() }),
  ],
});

try {
  await learn.fit(1, { cbs: [curve] });
  console.table(learn.metrics.history);

  const mean = losses => losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  const [first, last] = [mean(curve.losses.slice(0, 10)), mean(curve.losses.slice(-10))];
  console.log(`loss of the first ten batches ${first.toFixed(3)}, of the last ten ${last.toFixed(3)}`);
  assert.equal(curve.losses.length, loaders.train.length);
  assert(last < first / 2, 'the loss fell by half');
  const { accuracy, highest } = learn.metrics.history.at(-1);
  assert(accuracy > 0.75 && Number.isFinite(highest), `accuracy ${accuracy}, highest score ${highest}`);
  await coordinator.verifyReplicas();
} finally {
  await Promise.all([coordinator.close(), loaders.close()]);
}
