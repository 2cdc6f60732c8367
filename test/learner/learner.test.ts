import t from 'tap';
import { BatchTransformCB } from '../../src/callbacks/batch-transform.js';
import { DeviceCB } from '../../src/callbacks/device.js';
import { SingleBatchCB } from '../../src/callbacks/single-batch.js';
import { TrainCB } from '../../src/callbacks/train.js';
import { Callback } from '../../src/learner/callback.js';
import { Learner } from '../../src/learner/learner.js';
import { sgd } from '../../src/learner/optimizer.js';
import { FakeLoader, FakeRunner, fakeBatch, fakeLoaders } from './fake-runner.js';
import { RecordingTrainCB, recorder } from './recorder.js';

t.test('callbacks run by order; ties as listed, fit-time ones last', async t => {
  const seen: string[] = [];
  const named = (name: string, order: number) => {
    const callback = recorder([], ['beforeFit'], { beforeFit: () => seen.push(name) });
    callback.order = order;
    return callback;
  };
  const cbs = [named('late', 10), named('a', 0), named('b', 0), named('early', -1), new TrainCB()];
  const learn = new Learner(new FakeRunner(), fakeLoaders(), { cbs });
  await learn.fit(1, { cbs: [named('fit-time', 0)] });
  t.same(seen, ['early', 'a', 'b', 'fit-time', 'late']);
});

t.test('fit-time callbacks leave, be they listed twice or gone already', async t => {
  const [train, own] = [new TrainCB(), recorder([], [])];
  const leaving = recorder([], ['beforeFit'], {
    beforeFit: learn => {
      learn.cbs = learn.cbs.filter(callback => callback !== leaving);
    },
  });
  const learn = new Learner(new FakeRunner(), fakeLoaders(), { cbs: [own, train] });
  await learn.fit(1, { cbs: [leaving, own, recorder([], [])] });
  t.equal(learn.cbs.length, 2);
  t.equal(learn.cbs[0], own);
  t.equal(learn.cbs[1], train);
});

t.test('the loop takes epochs, dl and batch from where the before-events left them', async t => {
  const seen: number[] = [];
  const runner = new FakeRunner();
  const other = new FakeLoader([[0], [1], [0]]);
  const dls = fakeLoaders();
  const replacing = recorder([], ['beforeFit', 'beforeEpoch', 'beforeBatch'], {
    beforeFit: learn => {
      learn.epochs = [5, 7];
    },
    beforeEpoch: learn => {
      seen.push(learn.epoch);
      if (learn.training) learn.dl = other;
    },
    beforeBatch: learn => {
      if (learn.training) learn.batch = fakeBatch(learn.iter + 100, [1, 1]);
    },
  });
  await new Learner(runner, dls, { cbs: [new TrainCB(), replacing] }).fit(4);
  t.same(seen, [5, 5, 7, 7]);
  t.same(
    runner.batches.map(({ index }) => index),
    [100, 101, 102, 0, 100, 101, 102, 0],
  );
  t.equal(dls.train.opened, 0);
  t.equal(other.closed, 2);
});

t.test('every fit makes a new optimizer, unless told to keep the old one', async t => {
  const runner = new FakeRunner();
  const learn = new Learner(runner, fakeLoaders(), {
    lr: 0.2,
    cbs: [new TrainCB()],
    optFunc: sgd({ momentum: 0.9 }),
  });
  await learn.fit(1, { lr: 0.5, valid: false });
  const first = learn.opt;
  t.match(runner.stepped[0], [{ lr: 0.5, momentum: 0.9 }]);
  await learn.fit(1, { valid: false });
  t.not(learn.opt, first);
  t.match(runner.stepped.at(-1), [{ lr: 0.2 }], 'the rate of the fit before is not remembered');
  t.same(runner.specs, [
    { kind: 'sgd', groups: [[0, 1, 2, 3]] },
    { kind: 'sgd', groups: [[0, 1, 2, 3]] },
  ]);
  learn.optFunc = null;
  const kept = learn.opt;
  await learn.fit(1);
  t.equal(learn.opt, kept);
  t.equal(runner.specs.length, 2);
  t.equal(learn.globalStep, 6);
  await t.rejects(learn.fit(1, { lr: 0.1 }), { code: 'E_LEARNER', message: /no effect/ });
  const none = new Learner(new FakeRunner(), fakeLoaders(), { cbs: [new TrainCB()], optFunc: null });
  await t.rejects(none.fit(1), { code: 'E_LEARNER', message: /no optimizer/ });
});

t.test('train and valid can be left out, and zero epochs are none', async t => {
  const log: string[] = [];
  const runner = new FakeRunner();
  const fitEvents = recorder(log, ['beforeFit', 'afterFit', 'cleanupFit']);
  const learn = new Learner(runner, fakeLoaders(), { cbs: [new TrainCB(), fitEvents] });
  await learn.fit(1, { train: false });
  t.same(runner.calls, ['validBatch']);
  await learn.fit(1, { valid: false });
  t.same(runner.calls, ['validBatch', 'trainBatch', 'trainBatch']);
  log.length = 0;
  await learn.fit(0);
  t.same(log, ['beforeFit', 'afterFit', 'cleanupFit']);
});

t.test('predictions are fetched only when a callback needs them', async t => {
  for (const train of [new TrainCB(), new RecordingTrainCB([])]) {
    const seen: unknown[] = [];
    const learn = new Learner(new FakeRunner(), fakeLoaders(), {
      cbs: [train, recorder([], ['afterBatch'], { afterBatch: ({ preds }) => seen.push(preds?.shape) })],
    });
    class Needing extends Callback {
      override readonly needsPredictions = true;
    }
    await learn.fit(1);
    await learn.fit(1, { cbs: [new Needing()] });
    t.same(seen, [undefined, undefined, undefined, [2, 2], [2, 2], [3, 2]]);
  }
});

t.test('SingleBatchCB: one batch in all, seen in full by the others, its loader closed', async t => {
  const log: string[] = [];
  const dls = fakeLoaders();
  const runner = new FakeRunner();
  await new Learner(runner, dls, { cbs: [new SingleBatchCB(), new TrainCB(), recorder(log)] }).fit(3);
  t.same(log, [
    'beforeFit',
    'beforeEpoch',
    'beforeBatch',
    'afterPredict',
    'afterLoss',
    'afterBackward',
    'afterStep',
    'afterBatch',
    'cleanupBatch',
    'cleanupEpoch',
    'cleanupFit',
  ]);
  t.equal(runner.batches.length, 1);
  t.same([dls.train.closed, dls.valid.opened], [1, 0]);
});

t.test('a signal ends the fit after the current step', async t => {
  const abort = new AbortController();
  const log: string[] = [];
  const runner = new FakeRunner();
  const dls = fakeLoaders();
  const learn = new Learner(runner, dls, {
    cbs: [
      new TrainCB(),
      recorder(log, ['beforeBatch', 'afterBatch', 'cleanupBatch', 'afterEpoch', 'afterFit', 'cleanupFit'], {
        beforeBatch: () => abort.abort(),
      }),
    ],
    signal: abort.signal,
  });
  await learn.fit(3);
  t.same(log, ['beforeBatch', 'afterBatch', 'cleanupBatch', 'cleanupFit']);
  t.equal(learn.stopped, true);
  t.same([dls.train.served, dls.train.closed], [1, 1], 'no other batch was waited for');
  log.length = 0;
  await learn.fit(3);
  t.same(log, ['cleanupFit'], 'aborted before it began: not one batch');
  t.equal(dls.train.opened, 1);
});

t.test('a signal given while a batch is waited for ends the fit before that batch', async t => {
  const abort = new AbortController();
  const runner = new FakeRunner();
  const dls = fakeLoaders();
  dls.train.onBatch = index => {
    if (index === 1) abort.abort();
  };
  const learn = new Learner(runner, dls, { cbs: [new TrainCB()], signal: abort.signal });
  await learn.fit(1);
  t.same(runner.calls, ['trainBatch']);
  t.same([learn.stopped, dls.train.closed, dls.valid.opened], [true, 1, 0]);
});

t.test('a loss that is not finite stops training, in parts before the step is taken', async t => {
  for (const meanLoss of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const answer = ({ index }: { index: number }) => ({ meanLoss: index === 1 ? meanLoss : 1 });
    for (const train of [new TrainCB(), new RecordingTrainCB([])]) {
      const runner = new FakeRunner(answer);
      const learn = new Learner(runner, fakeLoaders(), { cbs: [train] });
      await t.rejects(learn.fit(2), { code: 'E_DIVERGED', step: 2, where: 'epoch 1, step 2' });
      t.equal(runner.stepped.length, train instanceof RecordingTrainCB ? 1 : 2);
      learn.stopOnNonFinite = false;
      await learn.fit(1);
      t.equal(learn.globalStep, 3);
    }
  }
  const validOnly = new Learner(new FakeRunner(() => ({ meanLoss: Number.NaN })), fakeLoaders(), {
    cbs: [new TrainCB()],
  });
  await validOnly.fit(1, { train: false });
  t.ok(Number.isNaN(validOnly.loss), 'validation may be NaN: nothing is wasted');
});

t.test('a batch transform is added to a copy of the batch, in the phases asked for', async t => {
  const crop = { name: 'randomCrop', options: { padding: 1 } };
  const flip = { name: 'horizontalFlip' };
  const runner = new FakeRunner();
  const original = recorder([], ['beforeBatch'], {
    beforeBatch: learn => {
      learn.batch = Object.freeze({ ...learn.batch, transforms: Object.freeze([crop]) });
    },
  });
  const cbs = [
    new TrainCB(),
    original,
    new BatchTransformCB(flip, { onValid: false }),
    new BatchTransformCB([crop, flip], { onTrain: false }),
  ];
  await new Learner(runner, fakeLoaders(), { cbs }).fit(1);
  t.same(
    runner.batches.map(({ transforms }) => transforms),
    [
      [crop, flip],
      [crop, flip],
      [crop, crop, flip],
    ],
  );
});

t.test('DeviceCB tells the devices, and refuses others than the ones named', async t => {
  const learn = new Learner(new FakeRunner(), fakeLoaders(), { cbs: [new TrainCB()] });
  await learn.fit(1, { cbs: [new DeviceCB(['cpu:1', 'cpu:0'])] });
  t.same(learn.devices, ['cpu:0', 'cpu:1']);
  for (const devices of [['cuda:0', 'cuda:1'], ['cpu:0'], ['cpu:0', 'cpu:1', 'cpu:1']])
    await t.rejects(learn.fit(1, { cbs: [new DeviceCB(devices)] }), {
      code: 'E_DEVICE',
      message: /cpu:0, cpu:1/,
    });
});
