import t from 'tap';
import { MetricsCB } from '../../src/callbacks/metrics.js';
import { TrainCB } from '../../src/callbacks/train.js';
import { CancelEpochException } from '../../src/learner/cancel.js';
import { Learner } from '../../src/learner/learner.js';
import { Accuracy, TopK } from '../../src/learner/metric.js';
import type { MetricsRow } from '../../src/learner/metrics-row.js';
import { type Answer, FakeLoader, FakeRunner, fakeLoaders } from '../learner/fake-runner.js';
import { recorder } from '../learner/recorder.js';

/** Train: 6 and 5 samples with 2 and 3 right, losses 1 and 2; valid: none right. */
const answer: Answer = batch => ({
  meanLoss: batch.index + 1,
  metrics: { hits: { sum: batch.index === 0 ? 2 : 3, count: batch.size } },
  logits: [...batch.labels].map((_, i) => (i < (batch.index === 0 ? 2 : 3) ? [0, 1] : [1, 0])),
});
const dls = () => ({
  train: new FakeLoader([
    [1, 1, 1, 1, 1, 1],
    [1, 1, 1, 1, 1],
  ]),
  valid: new FakeLoader([[0, 0]]),
});

t.test('a row per phase: sums over uneven batches, numbers only, flat', async t => {
  let now = 0;
  const loaders = dls();
  loaders.train.waitMs = 0;
  loaders.train.onBatch = index => {
    now += 250;
    loaders.train.waitMs = (index + 1) * 100;
  };
  loaders.valid.onBatch = () => {
    now += 100;
  };
  const metrics = new MetricsCB(new Accuracy(), { top2: new TopK(2) });
  const heard: MetricsRow[] = [];
  const end = metrics.addListener(async row => {
    await null;
    heard.push(row);
  });
  const learn = new Learner(new FakeRunner(answer), loaders, {
    lr: 0.3,
    cbs: [metrics, new TrainCB()],
    clock: () => now,
  });
  await learn.fit(2);
  const train = {
    epoch: 1,
    phase: 'train',
    step: 2,
    loss: (6 * 1 + 5 * 2) / 11,
    accuracy: 5 / 11,
    top2: 1,
    hits: 5 / 11,
    samples: 11,
    seconds: 0.5,
    imagesPerSecond: 22,
    dataShare: 0.4,
    lr: 0.3,
  };
  t.strictSame(metrics.history[0], train);
  t.strictSame(metrics.history[1], {
    epoch: 1,
    phase: 'valid',
    step: 2,
    loss: 1,
    accuracy: 0,
    top2: 1,
    hits: 1,
    samples: 2,
    seconds: 0.1,
    imagesPerSecond: 20,
  });
  t.strictSame(metrics.history[2], { ...train, epoch: 2, step: 4 }, 'counts start anew each phase');
  t.strictSame(heard, metrics.history);
  t.equal(learn.metrics, metrics);
  end();
  await learn.fit(1);
  t.equal(heard.length, 4);
  t.equal(metrics.history.length, 6);
});

t.test('the rate in a row is the one the last batch was trained with', async t => {
  const metrics = new MetricsCB();
  const halving = recorder([], ['afterBatch'], {
    afterBatch: learn => {
      if (learn.training) learn.opt.paramGroups[0].lr /= 2;
    },
  });
  const cbs = [new TrainCB(), halving, metrics];
  await new Learner(new FakeRunner(), fakeLoaders(), { lr: 1, cbs }).fit(1);
  t.equal(metrics.history[0].lr, 0.5);
});

t.test('numbers for loggers, strings for people', async t => {
  const metrics = new MetricsCB(new Accuracy());
  const printed: Readonly<Record<string, string>>[] = [];
  metrics.log = async text => {
    await null;
    printed.push(text);
  };
  const learn = new Learner(new FakeRunner(answer), dls(), { cbs: [new TrainCB(), metrics] });
  await learn.fit(1);
  t.strictSame(printed, [
    { epoch: '1', phase: 'train', loss: '1.455', accuracy: '0.455', hits: '0.455' },
    { epoch: '1', phase: 'valid', loss: '1.000', accuracy: '0.000', hits: '1.000' },
  ]);
  metrics.log = undefined;
  await learn.fit(1);
  t.equal(printed.length, 2);
});

t.test('the history goes on in a resumed fit, NaN and all', async t => {
  const metrics = new MetricsCB({ never: new Accuracy() });
  const learn = new Learner(
    new FakeRunner(answer),
    { train: dls().train, valid: new FakeLoader([]) },
    {
      cbs: [new TrainCB(), metrics],
    },
  );
  await learn.fit(1);
  const resumed = new MetricsCB();
  resumed.restoreState(JSON.parse(JSON.stringify(metrics.saveState())));
  t.same(resumed.history, metrics.history);
  t.ok(Number.isNaN(resumed.history[1].loss));
});

t.test('no predictions are fetched without metrics of its own', async t => {
  t.equal(new MetricsCB().needsPredictions, false);
  t.equal(new MetricsCB({}).needsPredictions, false);
  t.equal(new MetricsCB(new Accuracy()).needsPredictions, true);
});

t.test('a cancelled phase makes no row', async t => {
  const metrics = new MetricsCB();
  const cancelling = recorder([], ['afterBatch'], {
    afterBatch: learn => {
      if (learn.training) throw new CancelEpochException();
    },
  });
  await new Learner(new FakeRunner(), fakeLoaders(), { cbs: [new TrainCB(), metrics, cancelling] }).fit(1);
  t.same(
    metrics.history.map(({ phase }) => phase),
    ['valid'],
  );
});

t.test('names that clash are refused', async t => {
  const refused = (make: () => unknown, message: RegExp) => t.throws(make, { code: 'E_CALLBACK', message });
  refused(() => new MetricsCB(new Accuracy(), new Accuracy()), /Two metrics are called accuracy/);
  refused(() => new MetricsCB(new Accuracy(), { accuracy: new TopK(1) }), /Two metrics are called accuracy/);
  refused(() => new MetricsCB({ loss: new Accuracy() }), /called loss, as a column is/);
  refused(() => new MetricsCB({ seconds: new Accuracy() }), /called seconds/);
  t.doesNotThrow(() => new MetricsCB(new TopK(), { top2: new TopK(2), top3: new TopK(3) }));
  for (const name of ['accuracy', 'loss']) {
    const runner = new FakeRunner(() => ({ metrics: { [name]: { sum: 1, count: 2 } } }));
    const learn = new Learner(runner, fakeLoaders(), { cbs: [new TrainCB(), new MetricsCB(new Accuracy())] });
    await t.rejects(
      learn.fit(1),
      { code: 'E_CALLBACK', where: `metric ${name}` },
      "the recipe's metrics too",
    );
  }
  const two = new Learner(new FakeRunner(), fakeLoaders(), { cbs: [new TrainCB(), new MetricsCB()] });
  await t.rejects(two.fit(1, { cbs: [new MetricsCB()] }), { code: 'E_CALLBACK', message: /two MetricsCB/ });
  await two.fit(1);
});

t.test('a step that leaves nothing behind is told so', async t => {
  class Careless extends TrainCB {
    override async getLoss(learn: Learner) {
      await learn.runner.getLoss();
    }
  }
  const learn = new Learner(new FakeRunner(), fakeLoaders(), {
    cbs: [new Careless(), new MetricsCB()],
    stopOnNonFinite: false,
  });
  await t.rejects(learn.fit(1), { code: 'E_CALLBACK', hint: /learn.accept/ });
});
