// Lessons 15 and 16: the Learner, whose loop is open to callbacks; metrics by hand; momentum without memory; a search
// for the learning rate.
// node examples/lessons/04-learner.mjs [FOLDER]: lr-find.png goes there.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  Accuracy,
  BatchTransformCB,
  CompletionCB,
  Coordinator,
  chooseDevices,
  DataLoaders,
  defineCallback,
  Learner,
  Metric,
  MetricsCB,
  MomentumLearner,
  models,
  normalize,
  openData,
  SingleBatchCB,
  Subset,
  sgd,
  TrainCB,
  withSnapshot,
} from 'gradring';

const folder = process.argv[2] ?? 'runs/lessons';

// --- A metric by hand: sums and counts, never a mean of means --------------------------------------------------------

class MeanOfValues extends Metric {
  #sum = 0;
  #count = 0;

  reset() {
    this.#sum = 0;
    this.#count = 0;
  }

  add(value, n = 1) {
    this.#sum += value * n;
    this.#count += n;
  }

  /** The mean of the highest scores of a batch. preds: [size, classes]. */
  update({ data, shape: [size, width] }) {
    for (let i = 0; i < size; i++) this.add(Math.max(...data.subarray(i * width, (i + 1) * width)));
  }

  compute() {
    return this.#sum / this.#count;
  }

  merge(other) {
    this.#sum += other.#sum;
    this.#count += other.#count;
  }
}

const lesson = new MeanOfValues();
lesson.add(0.6, 32);
lesson.add(0.9, 2);
assert.equal(lesson.compute().toFixed(2), '0.62');

// --- Loop and callbacks ----------------------------------------------------------------------------------------------

const sample = await openData('sample');
const { imageShape, classes } = sample.train;
const every = (dataset, nth) =>
  new Subset(
    dataset,
    Array.from({ length: dataset.length / nth }, (_, i) => i * nth),
  );
const data = { train: every(sample.train, 4), valid: every(sample.valid, 4) };
const { engine, devices } = await chooseDevices('cpu:2', 'auto');
const coordinator = new Coordinator({
  engine,
  devices: devices.map(({ id }) => id),
  recipe: models.mlp,
  imageShape,
  classes,
});
const loaders = DataLoaders.from(data, { batchSize: 100 });
const normalized = new BatchTransformCB(normalize({ mean: 0.28, std: 0.35 }));
const learn = new Learner(coordinator, loaders, { lr: 0.1, cbs: [new TrainCB(), normalized] });

try {
  // --- A learning rate: the loss as the rate grows, and the weights are as before ------------------------------------
  await coordinator.open();
  const weights = (await coordinator.getState()).parameters;
  const file = join(folder, 'lr-find.png');
  const { lrs, suggestions } = await learn.lrFind({ file });
  console.log(`lrFind: ${lrs.length} steps, suggests ${suggestions.valley.toPrecision(2)} (${file})`);
  assert.deepEqual((await coordinator.getState()).parameters, weights);
  assert(suggestions.valley > 1e-3 && suggestions.valley < 10);

  // Who is called when: TrainCB supplies the five steps, the others listen.
  const losses = [];
  const record = defineCallback({ afterBatch: ({ training, loss }) => training && losses.push(loss) });
  console.log(learn.showTrainingLoop({ cbs: [record], valid: false }));

  const metrics = new MetricsCB(new Accuracy(), { highest: new MeanOfValues() });
  const completion = new CompletionCB({ report: batches => console.log(`${batches} batches`) });
  metrics.log = text => console.log(text.phase, text.loss, text.accuracy, text.highest);
  await learn.fit(1, { cbs: [record, metrics, completion] });
  assert.equal(losses.length, loaders.train.length);
  assert.equal(completion.count, loaders.train.length + loaders.valid.length);
  assert(metrics.history.at(-1).accuracy > 0.6);

  // One batch is enough to see that all works. The cancel is no error: fit returns.
  const before = learn.globalStep;
  await learn.fit(3, { cbs: [new SingleBatchCB()] });
  assert.equal(learn.globalStep, before + 1);

  // --- MomentumLearner: the gradients are multiplied where others clear them -----------------------------------------
  /** The weights after an epoch that begins with the weights there are, which it leaves behind. */
  const weightsAfter = learner =>
    withSnapshot(learner, async () => {
      await learner.fit(1, { valid: false });
      return (await coordinator.getState()).parameters;
    });
  const options = { lr: 0.02, optFunc: sgd(), mom: 0.85 };
  const kept = await weightsAfter(
    new MomentumLearner(coordinator, loaders, { ...options, cbs: [normalized] }),
  );
  const optFunc = sgd({ momentum: 0.85 });
  const usual = await weightsAfter(
    new Learner(coordinator, loaders, { ...options, optFunc, cbs: learn.cbs }),
  );
  const difference = kept.reduce((most, value, i) => Math.max(most, Math.abs(value - usual[i])), 0);
  console.log(`MomentumLearner and sgd({ momentum }) differ by ${difference} at most`);
  assert(difference < 1e-4, `difference ${difference}`);
} finally {
  await Promise.all([coordinator.close(), loaders.close()]);
}
