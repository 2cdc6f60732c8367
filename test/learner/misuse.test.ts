import t from 'tap';
import { MetricsCB } from '../../src/callbacks/metrics.js';
import { ProgressCB } from '../../src/callbacks/progress.js';
import { TrainCB } from '../../src/callbacks/train.js';
import { Callback } from '../../src/learner/callback.js';
import { Learner } from '../../src/learner/learner.js';
import { FakeRunner, fakeLoaders } from './fake-runner.js';
import { RecordingTrainCB, recorder } from './recorder.js';

const learner = (...cbs: Callback[]) => {
  const runner = new FakeRunner();
  return { runner, learn: new Learner(runner, fakeLoaders(), { cbs }) };
};

t.test('a step that nobody does is refused before anything is opened', async t => {
  const { runner, learn } = learner(recorder([]));
  await t.rejects(learn.fit(1), {
    code: 'E_LEARNER',
    message: /predict, getLoss, backward, step, zeroGrad/,
    hint: /TrainCB/,
  });
  t.equal(runner.opened, false);
  const half = learner(recorder([], ['predict', 'getLoss']));
  await t.rejects(half.learn.fit(1), { message: /: backward, step, zeroGrad missing/ });
  await half.learn.fit(1, { train: false });
});

t.test('two that do the step are refused', async t => {
  const { learn } = learner(new TrainCB());
  await t.rejects(learn.fit(1, { cbs: [new RecordingTrainCB([])] }), {
    code: 'E_LEARNER',
    message: /2 times: by TrainCB and RecordingTrainCB/,
  });
  t.equal(learn.cbs.length, 1);
  await t.rejects(learn.fit(1, { cbs: [...learn.cbs] }), { message: /2 times/ });
  await learn.fit(1);
});

t.test('methods that look like events but are none name the nearest event', async t => {
  const cases: [string, string | undefined][] = [
    ['beforeBatches', 'beforeBatch'],
    ['before_fit', 'beforeFit'],
    ['afterfit', 'afterFit'],
    ['onEpochEnd', 'afterEpoch'],
    ['cleanup', 'cleanupFit'],
    ['aftrEpoch', 'afterEpoch'],
    ['Predict', 'predict'],
    ['get_loss', 'getLoss'],
    ['zeroGrads', 'zeroGrad'],
    ['stop', undefined],
    ['once', undefined],
    ['plot', undefined],
    ['reset', undefined],
  ];
  for (const [name, nearest] of cases) {
    const Misspelt = { [name]: class extends Callback {} }[name];
    Object.defineProperty(Misspelt.prototype, name, { value: () => {} });
    class Inheriting extends Misspelt {}
    const make = () => learner(new TrainCB(), new Inheriting());
    if (nearest === undefined) t.doesNotThrow(make, name);
    else if (name === 'onEpochEnd')
      t.throws(make, { code: 'E_CALLBACK', message: /onEpochEnd would never be called/ });
    else
      t.throws(make, {
        code: 'E_CALLBACK',
        where: `Inheriting.${name}`,
        hint: new RegExp(`mean ${nearest}\\?`),
      });
  }
  class Late extends Callback {
    beforeBatches() {}
  }
  const { learn } = learner(new TrainCB());
  await t.rejects(learn.fit(1, { cbs: [new Late()] }), { code: 'E_CALLBACK' }, 'fit-time callbacks too');
  t.equal(learn.cbs.length, 1);
});

t.test('our own callbacks pass that test', t => {
  t.doesNotThrow(() =>
    learner(new TrainCB(), new MetricsCB(), new ProgressCB({ stream: { write: () => {} } })),
  );
  t.end();
});

t.test('a class instead of an object', t => {
  t.throws(() => learner(TrainCB as unknown as Callback), {
    code: 'E_CALLBACK',
    hint: 'write new TrainCB()',
  });
  t.end();
});

t.test('fit inside a running fit', async t => {
  const inner: unknown[] = [];
  const { learn } = learner(
    new TrainCB(),
    recorder([], ['afterEpoch'], {
      afterEpoch: learn => inner.push(learn.fit(1).catch((error: unknown) => error)),
    }),
  );
  await learn.fit(1);
  t.match(await inner[0], { code: 'E_LEARNER', message: /inside a running fit/ });
  await learn.fit(1);
});

t.test('a number of epochs that is none', async t => {
  const { learn } = learner(new TrainCB());
  for (const nEpochs of [-1, 1.5, Number.NaN]) await t.rejects(learn.fit(nEpochs), { code: 'E_CONFIG' });
});
