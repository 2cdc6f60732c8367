import t from 'tap';
import { BatchTransformCB } from '../../src/callbacks/batch-transform.js';
import { MetricsCB } from '../../src/callbacks/metrics.js';
import { SingleBatchCB } from '../../src/callbacks/single-batch.js';
import { DataLoader } from '../../src/data/data-loader.js';
import { accuracyOf, predictedClasses, softmax } from '../../src/inference/captured-preds.js';
import '../../src/inference/classify.js';
import '../../src/inference/tta.js';
import '../../src/inference/validate.js';
import { CancelFitException } from '../../src/learner/cancel.js';
import { Accuracy } from '../../src/learner/metric.js';
import { ConfusionMatrix } from '../../src/learner/metrics/confusion-matrix.js';
import { randomCrop } from '../../src/nn/transform-specs.js';
import { weightsOf } from '../fixtures/coordinators.js';
import { recorder } from '../learner/recorder.js';
import { distance, type Fixture, makeFixture, mlpLogits, statistics } from './fixtures.js';

let one: Fixture;
let three: Fixture;

t.before(async () => {
  [one, three] = await Promise.all([makeFixture({ replicas: 1 }), makeFixture({ replicas: 3 })]);
});

t.teardown(() => Promise.all([one.close(), three.close()]));

t.test(
  'the same predictions in dataset order, whatever the replicas and the order of the loader',
  async t => {
    const plain = await one.learn.getPreds();
    t.same(plain.preds.shape, [101, 10]);
    t.same(
      plain.indices,
      Uint32Array.from({ length: 101 }, (_, row) => row),
    );
    t.same(plain.targets, one.valid.labels);
    const shuffled = new DataLoader(three.valid, { batchSize: 10, shuffle: true, numWorkers: 0 });
    for (const [how, options] of [
      ['the validation loader', {}],
      ['a dataset', { dataset: three.valid }],
      ['a shuffled loader', { loader: shuffled }],
    ] as const) {
      const { preds, indices, targets } = await three.learn.getPreds(options);
      t.ok(distance(preds.data, plain.preds.data) < 1e-5, how);
      t.same(indices, plain.indices, how);
      t.same(targets, plain.targets, how);
    }
    t.same([shuffled.epoch, three.dls.valid.epoch], [0, 0], 'the loaders do not notice');
    const rows = [0, 50, 100];
    for (const row of rows) {
      const expected = await mlpLogits(one.coordinator, (await one.valid.get(row)).pixels);
      t.ok(
        distance(plain.preds.data.subarray(10 * row, 10 * row + 10), expected) < 1e-4,
        `row ${row} by hand`,
      );
    }
  },
);

t.test('prediction trains nothing and touches no optimizer', async t => {
  const metrics = new MetricsCB(new Accuracy());
  const fitEvents: string[] = [];
  const watch = recorder([], ['beforeFit', 'cleanupFit', 'step'], {
    beforeFit: () => fitEvents.push('beforeFit'),
    cleanupFit: () => fitEvents.push('cleanupFit'),
    step: () => fitEvents.push('step'),
  });
  const { learn, coordinator, close } = await makeFixture({ replicas: 2, cbs: [metrics] });
  t.teardown(close);
  await learn.fit(2, { lr: 0.05 });
  const { opt, globalStep } = learn;
  const [weights, rows] = [await weightsOf(coordinator), metrics.history.length];
  learn.add(watch);
  const { preds, targets } = await learn.getPreds({ activation: 'softmax' });
  t.same(fitEvents, []);
  t.equal(learn.opt, opt);
  t.equal(learn.globalStep, globalStep);
  t.same(await weightsOf(coordinator), weights);
  t.equal(metrics.history.length, rows);
  const { accuracy } = await learn.validate();
  t.equal(accuracyOf(preds, targets), accuracy, 'as validate counts it');
  t.ok(Number(accuracy) > 0.4, `${accuracy}`);
  const sums = Array.from(targets, (_, i) =>
    preds.data.subarray(10 * i, 10 * i + 10).reduce((a, b) => a + b, 0),
  );
  t.ok(sums.every(sum => Math.abs(sum - 1) < 1e-5));
});

t.test('the inputs are what the model was given', async t => {
  const { learn, valid } = three;
  const { inputs } = await learn.capturePreds({ inputs: true });
  t.same(inputs?.shape, [101, 28, 28, 1]);
  const { pixels } = await valid.get(77);
  const expected = Array.from(pixels, value => (value / 255 - statistics.mean) / statistics.std);
  t.ok(distance(inputs?.data.subarray(77 * 784, 78 * 784) ?? [], expected) < 1e-5);
});

t.test('a cancel leaves what there is', async t => {
  const { learn } = three;
  const whole = await learn.capturePreds();
  const first = await learn.capturePreds({ cbs: [new SingleBatchCB()] });
  t.same(first.preds.shape, [32, 10]);
  t.ok(distance(first.preds.data, whole.preds.data.subarray(0, 320)) < 1e-6);
  const never = recorder([], ['beforeEpoch'], {
    beforeEpoch: () => {
      throw new CancelFitException();
    },
  });
  t.same((await learn.getPreds({ cbs: [never], activation: 'softmax' })).preds.shape, [0]);
  t.same((await learn.getPreds()).preds.shape, [101, 10], 'and nothing stays behind');
});

t.test('one image, or several', async t => {
  const { learn, valid } = three;
  const { preds } = await learn.getPreds({ activation: 'softmax' });
  const classes = predictedClasses(preds);
  const sample = await valid.get(40);
  const [{ pixels: data }, shape] = [await valid.get(41), [28, 28]];
  const one = await learn.classify(sample.pixels);
  t.equal(one.label, classes[40]);
  t.equal(one.className, valid.classes[classes[40]]);
  t.equal(one.probability, Math.max(...one.probabilities));
  t.ok(distance(one.probabilities, preds.data.subarray(400, 410)) < 1e-5);
  const several = await learn.classify([sample, { data, shape }, { image: { data, shape: [28, 28, 1] } }]);
  t.same(
    several.map(({ label }) => label),
    [classes[40], classes[41], classes[41]],
  );
  t.same(await learn.classify([]), []);
  await t.rejects(learn.classify(new Uint8Array(783)), { code: 'E_CONFIG', message: /783 bytes/ });
  await t.rejects(learn.classify([{ data, shape: [14, 56] }]), { code: 'E_CONFIG', message: /14x56/ });
});

t.test('images without labels are not measured', async t => {
  const { learn, valid } = one;
  const confusion = new ConfusionMatrix();
  await learn.withCbs([new MetricsCB({ confusion })], async () => {
    const row = await learn.validate();
    await learn.classify(await valid.get(40));
    t.equal(learn.lastRow, row);
  });
  t.equal(
    confusion
      .matrix()
      .flat()
      .reduce((sum, count) => sum + count, 0),
    valid.length,
  );
});

t.test('misuse is refused', async t => {
  const { learn, dls, valid } = one;
  await t.rejects(learn.getPreds({ loader: dls.valid, dataset: valid }), { code: 'E_CONFIG' });
  await t.rejects(learn.getPreds({ activation: 'sigmoid' as 'softmax' }), {
    code: 'E_CONFIG',
    message: /sigmoid/,
  });
  const transforms = [randomCrop({ padding: 1 })];
  for (const [options, where] of [
    [{ n: 0, transforms }, 'tta n'],
    [{ n: 2 }, 'tta transforms'],
    [{ transforms: [] }, 'tta transforms'],
    [{ beta: 1.5 }, 'tta beta'],
    [{ average: 'median' as 'logits' }, 'tta'],
  ] as const) {
    await t.rejects(learn.tta(options), { code: 'E_CONFIG', where });
  }
  t.throws(() => softmax({ data: new Float32Array(8), shape: [2, 2, 2] }), { code: 'E_LEARNER' });
});

t.test('softmax of scores as large as they come', async t => {
  const { data } = softmax({
    data: Float32Array.of(1000, 1000, 1000 - Math.log(2), -1000, 0, 0),
    shape: [2, 3],
  });
  t.ok(distance(data, [0.4, 0.4, 0.2, 0, 0.5, 0.5]) < 1e-4, data.join());
  t.same(predictedClasses({ data: Float32Array.of(1, 3, 3, 2, 2, 1), shape: [2, 3] }), Int32Array.of(1, 0));
});

t.test('a transform for training alone does not touch predictions', async t => {
  const training = new BatchTransformCB(randomCrop({ padding: 4 }), { onValid: false });
  const { learn } = one;
  const plain = await learn.getPreds();
  t.same((await learn.getPreds({ cbs: [training] })).preds.data, plain.preds.data);
  const both = new BatchTransformCB(randomCrop({ padding: 4 }));
  t.notSame((await learn.getPreds({ cbs: [both] })).preds.data, plain.preds.data);
});
