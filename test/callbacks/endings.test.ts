/** Callbacks that end a fit, or count how it went: completion, single batch, early stopping, NaN, budgets. */
import t from 'tap';
import { BatchSchedCB } from '../../src/callbacks/batch-sched.js';
import { BudgetCB } from '../../src/callbacks/budget.js';
import { CompletionCB } from '../../src/callbacks/completion.js';
import { EarlyStoppingCB } from '../../src/callbacks/early-stopping.js';
import { MetricsCB } from '../../src/callbacks/metrics.js';
import { SingleBatchCB } from '../../src/callbacks/single-batch.js';
import { StopOnNaNCB } from '../../src/callbacks/stop-on-nan.js';
import { TrainCB } from '../../src/callbacks/train.js';
import { CancelFitException } from '../../src/learner/cancel.js';
import { Learner } from '../../src/learner/learner.js';
import { Metric } from '../../src/learner/metric.js';
import { type Answer, FakeLoader, FakeRunner, fakeLoaders } from '../learner/fake-runner.js';
import { recorder } from '../learner/recorder.js';

/** `train` and `valid` batches of two samples each. */
const loadersOf = (train: number, valid: number) => ({
  train: new FakeLoader(Array.from({ length: train }, () => [0, 1])),
  valid: new FakeLoader(Array.from({ length: valid }, () => [0, 1])),
});

/** The runner answers the one validation batch of each epoch with these losses, training batches with 1. */
function learnerOf(validLosses: readonly number[], cbs: ConstructorParameters<typeof Learner>[2]) {
  let epoch = 0;
  const runner = new FakeRunner(() => ({ meanLoss: 1 }));
  const learn: Learner = new Learner(runner, loadersOf(2, 1), cbs);
  const answer: Answer = () => ({ meanLoss: learn.training ? 1 : validLosses[epoch++] });
  Object.assign(runner, { answer });
  return { runner, learn };
}

t.test('CompletionCB counts full batches, and tells after a cancel only if asked to', async t => {
  const told: number[] = [];
  const report = (batches: number) => told.push(batches);
  const run = async (always: boolean, cancelAt?: number) => {
    const counting = new CompletionCB({ report, always });
    const cancelling = recorder([], ['beforeBatch'], {
      beforeBatch: () => {
        if (counting.count === cancelAt) throw new CancelFitException();
      },
    });
    await new Learner(new FakeRunner(), fakeLoaders(), { cbs: [new TrainCB(), counting, cancelling] }).fit(2);
    return counting.count;
  };
  t.equal(await run(false), 6);
  t.equal(await run(true), 6);
  t.same(told, [6, 6]);
  t.equal(await run(false, 4), 4);
  t.same(told, [6, 6], 'nothing after a cancel');
  t.equal(await run(true, 4), 4);
  t.same(told, [6, 6, 4]);
});

t.test('SingleBatchCB: one batch in all, or one of each phase', async t => {
  for (const [perPhase, calls] of [
    [false, ['trainBatch']],
    [true, ['trainBatch', 'validBatch', 'trainBatch', 'validBatch']],
  ] as const) {
    const runner = new FakeRunner();
    const metrics = new MetricsCB();
    const cbs = [new TrainCB(), metrics, new SingleBatchCB({ perPhase })];
    await new Learner(runner, fakeLoaders(), { cbs }).fit(2);
    t.same(runner.calls, calls);
    t.same(metrics.history, []);
  }
});

t.test('early stopping: patience, minDelta and the best weights put back', async t => {
  const losses = [0.9, 0.5, 0.48, 0.6, 0.49, 0.1];
  const stopping = new EarlyStoppingCB({ patience: 3, minDelta: 0.05, restoreBest: true });
  // Each validation leaves its own weights: those of epoch 2 are the best, 0.48 not being better by 0.05.
  const { runner, learn } = learnerOf(losses, {
    cbs: [
      new TrainCB(),
      new MetricsCB(),
      recorder([], ['beforeEpoch'], {
        beforeEpoch: ({ training, epoch }) => {
          if (training) runner.state.parameters.fill(epoch + 1);
        },
      }),
      stopping,
    ],
  });
  const metrics = learn.find(MetricsCB)!;
  await learn.fit(6);
  t.equal(metrics.history.filter(row => row.phase === 'valid').length, 5);
  t.same(stopping.best, { value: 0.5, epoch: 2 });
  t.match(learn.stopReason, /valid loss has not been better than 0.5 of epoch 2 for 3 epochs/);
  t.equal(runner.state.parameters[0], 2);
  t.equal(runner.calls.filter(call => call === 'setState').length, 1);

  const { runner: plain, learn: unfinished } = learnerOf([3, 2, 1], {
    cbs: [new TrainCB(), new MetricsCB(), new EarlyStoppingCB({ restoreBest: true })],
  });
  await unfinished.fit(3);
  t.equal(unfinished.stopReason, undefined);
  t.notOk(plain.calls.includes('setState'), 'the last weights are the best: nothing to put back');
});

t.test('early stopping of what should rise, and of what is never a number', async t => {
  const stopping = new EarlyStoppingCB({ monitor: 'hits', patience: 1, phase: 'train' });
  const hits = [1, 2, 2, 3];
  let epoch = 0;
  const runner = new FakeRunner(() => ({ metrics: { hits: { sum: hits[epoch], count: 1 } } }));
  const counting = recorder([], ['afterEpoch'], { afterEpoch: () => epoch++ });
  const cbs = [new TrainCB(), new MetricsCB(), counting, stopping];
  const learn = new Learner(runner, loadersOf(1, 1), { cbs });
  await learn.fit(4, { valid: false });
  t.same(stopping.best, { value: 2, epoch: 2 });
  const { learn: lost } = learnerOf([Number.NaN, Number.NaN, Number.NaN], {
    cbs: [new TrainCB(), new MetricsCB(), new EarlyStoppingCB({ patience: 2 })],
  });
  await lost.fit(3);
  t.match(lost.stopReason, /valid loss was never a number for 2 epochs/);
});

t.test('early stopping goes on where an earlier fit was saved', async t => {
  const make = () => new EarlyStoppingCB({ patience: 3 });
  const first = make();
  const { learn } = learnerOf([0.5, 0.7], { cbs: [new TrainCB(), new MetricsCB(), first] });
  await learn.fit(2);
  const saved = JSON.parse(JSON.stringify(first.saveState()));
  const second = make();
  second.beforeFit();
  second.restoreState(saved);
  t.same(second.saveState(), first.saveState());
  t.same(second.best, { value: 0.5, epoch: 1 });
});

t.test('what is not there cannot be watched', async t => {
  const { learn } = learnerOf([1], {
    cbs: [new TrainCB(), new MetricsCB(), new EarlyStoppingCB({ monitor: 'acuracy' })],
  });
  await t.rejects(learn.fit(1), { code: 'E_CALLBACK', hint: /columns of a valid row are epoch, step, loss/ });
  const { learn: blind } = learnerOf([1], { cbs: [new TrainCB(), new EarlyStoppingCB()] });
  await t.rejects(blind.fit(1), { code: 'E_CALLBACK', hint: /new MetricsCB/ });
  t.throws(() => new EarlyStoppingCB({ patience: 0 }), { code: 'E_CONFIG' });
  t.throws(() => new EarlyStoppingCB({ minDelta: -1 }), { code: 'E_CONFIG' });
  t.throws(() => new EarlyStoppingCB({ mode: 'low' as 'min' }), { code: 'E_CONFIG' });
});

t.test('StopOnNaNCB ends the fit quietly: at a loss, and at a metric', async t => {
  const runner = new FakeRunner(({ index }) => ({ meanLoss: index === 1 ? Number.NaN : 1 }));
  const learn = new Learner(runner, loadersOf(3, 1), { cbs: [new TrainCB(), new StopOnNaNCB()] });
  await learn.fit(2);
  t.same(runner.calls, ['trainBatch', 'trainBatch']);
  t.equal(learn.stopReason, 'the loss is NaN in training, epoch 1, step 2');
  t.equal(learn.stopOnNonFinite, true, 'put back');

  class Odd extends Metric {
    override reset() {}
    override update() {}
    override merge() {}
    override compute() {
      return Number.POSITIVE_INFINITY;
    }
  }
  const other = new Learner(new FakeRunner(), loadersOf(1, 1), {
    cbs: [new TrainCB(), new MetricsCB(new Odd()), new StopOnNaNCB()],
  });
  await other.fit(2);
  t.equal(other.stopReason, 'odd is Infinity in training, epoch 1, step 1');
});

t.test('budget: limits of an epoch, as counts and shares, and schedules that know them', async t => {
  const limited = async (options: ConstructorParameters<typeof BudgetCB>[0]) => {
    const loaders = loadersOf(10, 5);
    const runner = new FakeRunner();
    let totalSteps = 0;
    const sched = new BatchSchedCB((_, total) => {
      totalSteps = total;
      return { step: () => {}, getLastLr: () => [] } as unknown as ReturnType<
        ConstructorParameters<typeof BatchSchedCB>[0]
      >;
    });
    const learn = new Learner(runner, loaders, { cbs: [new TrainCB(), sched, new BudgetCB(options)] });
    await learn.fit(2);
    t.equal(loaders.train.closed, loaders.train.opened);
    t.equal(loaders.train.served + loaders.valid.served, runner.calls.length, 'none fetched in vain');
    t.equal(totalSteps, loaders.train.served);
    return [loaders.train.served, loaders.valid.served];
  };
  t.same(await limited({}), [20, 10]);
  t.same(await limited({ limitTrainBatches: 3, limitValidBatches: 1 }), [6, 2]);
  t.same(await limited({ limitTrainBatches: 0.25, limitValidBatches: 0.01 }), [6, 2], 'at least one');
  t.same(await limited({ limitTrainBatches: 99 }), [20, 10]);
});

t.test('budget: steps end the fit once their epoch is validated; they count on in a resumed fit', async t => {
  const run = async (maxSteps: number, saved?: unknown) => {
    const runner = new FakeRunner();
    const metrics = new MetricsCB();
    const budget = new BudgetCB({ maxSteps });
    if (saved)
      budget.beforeFit = learn => {
        BudgetCB.prototype.beforeFit.call(budget, learn);
        budget.restoreState(saved, learn);
      };
    const learn = new Learner(runner, loadersOf(4, 1), { cbs: [new TrainCB(), metrics, budget] });
    await learn.fit(5);
    const phases = metrics.history.map(({ phase, samples }) => `${phase} ${samples / 2}`);
    return { phases, reason: learn.stopReason, state: JSON.parse(JSON.stringify(budget.saveState(learn))) };
  };
  const six = await run(6);
  t.same(six.phases, ['train 4', 'valid 1', 'train 2', 'valid 1']);
  t.equal(six.reason, 'maxSteps: 6 optimizer steps are done');
  t.same((await run(4)).phases, ['train 4', 'valid 1']);
  t.equal((await run(20)).reason, undefined, 'the fit ended by itself');
  t.same((await run(18)).phases.slice(-2), ['train 2', 'valid 1']);
  t.equal((await run(18)).reason, 'maxSteps: 18 optimizer steps are done', 'the last epoch was cut short');
  const log: string[] = [];
  const heard = recorder(log, ['beforeEpoch', 'afterEpoch']);
  const cbs = [new TrainCB(), heard, new BudgetCB({ maxSteps: 4 })];
  await new Learner(new FakeRunner(), loadersOf(4, 1), { cbs }).fit(3);
  t.same(log, ['beforeEpoch', 'afterEpoch', 'beforeEpoch', 'afterEpoch'], 'no phase begins in vain');
  const trained = new Learner(new FakeRunner(), loadersOf(4, 1), { cbs });
  await trained.fit(3, { valid: false });
  t.equal(trained.globalStep, 4);
  t.match(trained.stopReason, /maxSteps/);
  t.same((await run(9, six.state)).phases, ['train 3', 'valid 1'], '6 of the 9 were done before');
});

t.test('budget: time ends the fit after the batch, and counts on too', async t => {
  let now = 5_000;
  const loaders = loadersOf(4, 1);
  loaders.train.onBatch = () => {
    now += 1000;
  };
  const runner = new FakeRunner();
  const budget = new BudgetCB({ maxTime: 2.5 });
  const seen: string[] = [];
  const cbs = [new TrainCB(), budget, recorder(seen, ['afterBatch'])];
  const learn = new Learner(runner, loaders, { cbs, clock: () => now });
  await learn.fit(2);
  t.equal(learn.stopReason, 'maxTime: 2.5 seconds are over');
  t.equal(runner.calls.length, 3);
  t.equal(seen.length, 3, 'the others saw the last batch');
  t.same(budget.saveState(learn), { steps: 3, seconds: 3 });
  for (const options of [
    { maxSteps: 0.5 },
    { maxTime: 0 },
    { limitTrainBatches: 1.5 },
    { limitValidBatches: 0 },
  ])
    t.throws(() => new BudgetCB(options), { code: 'E_CONFIG' });
});
