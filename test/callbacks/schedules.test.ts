/** Callbacks that step schedules, and the fits made of them. */
import t from 'tap';
import { AutoAnnealerCB } from '../../src/callbacks/auto-annealer.js';
import { BatchSchedCB } from '../../src/callbacks/batch-sched.js';
import { EpochSchedCB } from '../../src/callbacks/epoch-sched.js';
import '../../src/callbacks/fit-schedules.js';
import { MetricsCB } from '../../src/callbacks/metrics.js';
import { ReduceLROnPlateauCB } from '../../src/callbacks/reduce-on-plateau.js';
import { TrainCB } from '../../src/callbacks/train.js';
import { Callback } from '../../src/learner/callback.js';
import { CancelBatchException, CancelStepException } from '../../src/learner/cancel.js';
import { Learner } from '../../src/learner/learner.js';
import { adam, sgd } from '../../src/learner/optimizer.js';
import { splitLayers } from '../../src/learner/param-groups.js';
import { ExponentialLR } from '../../src/learner/schedules/exponential.js';
import { OneCycleLR } from '../../src/learner/schedules/one-cycle.js';
import { FakeLoader, FakeRunner, fakeLoaders, parameters } from '../learner/fake-runner.js';
import { recorder } from '../learner/recorder.js';

const batches = (count: number) => new FakeLoader(Array.from({ length: count }, () => [0, 1]));
const ratesOf = (runner: FakeRunner) => runner.stepped.map(([{ lr }]) => Number(lr.toPrecision(12)));

t.test('BatchSchedCB: a new schedule each fit, stepped after each optimizer step', async t => {
  const made: number[] = [];
  const runner = new FakeRunner();
  const sched = new BatchSchedCB((opt, totalSteps) => {
    made.push(totalSteps);
    return new ExponentialLR(opt, { gamma: 0.5 });
  });
  const learn = new Learner(runner, fakeLoaders(), { lr: 1, cbs: [new TrainCB(), sched] });
  await learn.fit(2);
  await learn.fit(1);
  t.same(made, [4, 2]);
  t.same(ratesOf(runner), [1, 0.5, 0.25, 0.125, 1, 0.5]);
  const cancelling = recorder([], ['beforeBatch'], {
    beforeBatch: ({ iter }) => {
      if (iter === 0) throw new CancelBatchException();
    },
  });
  await learn.fit(1, { cbs: [cancelling] });
  t.equal(runner.stepped.at(-1)![0].lr, 1, 'a cancelled batch does not step');
  await learn.fit(3, { startEpoch: 2 });
  t.same(ratesOf(runner).slice(-2), [0.0625, 0.03125], 'a fit that starts late starts late in the schedule');
});

t.test('BatchSchedCB counts optimizer steps where batches are accumulated', async t => {
  class EveryOther extends Callback {
    override readonly batchesPerStep = 2;
    override afterBackward({ iter }: Learner): void {
      if (iter % 2 === 0) throw new CancelStepException();
    }
  }
  const totals: number[] = [];
  const runner = new FakeRunner();
  const sched = new BatchSchedCB((opt, totalSteps) => {
    totals.push(totalSteps);
    return new ExponentialLR(opt, { gamma: 0.5 });
  });
  const cbs = [new TrainCB(), new EveryOther(), sched];
  await new Learner(runner, { train: batches(6), valid: batches(1) }, { lr: 1, cbs }).fit(2);
  t.same(totals, [6]);
  t.same(ratesOf(runner), [1, 0.5, 0.25, 0.125, 0.0625, 0.03125]);
});

t.test('EpochSchedCB steps after each training phase', async t => {
  const runner = new FakeRunner();
  const epochs: number[] = [];
  const sched = new EpochSchedCB((opt, nEpochs) => {
    epochs.push(nEpochs);
    return new ExponentialLR(opt, { gamma: 0.5 });
  });
  const learn = new Learner(runner, fakeLoaders(), { lr: 1, cbs: [new TrainCB(), sched] });
  await learn.fit(3);
  await learn.fit(3, { startEpoch: 1 });
  t.same(epochs, [3, 3]);
  t.same(ratesOf(runner), [1, 1, 0.5, 0.5, 0.25, 0.25, 0.5, 0.5, 0.25, 0.25]);
});

t.test('fitOneCycle is a fit under OneCycleLR, each group with its own peak', async t => {
  const optFunc = sgd({ groups: splitLayers(2) });
  const lr = { from: 0.1, to: 1 };
  const runner = new FakeRunner();
  const learn = new Learner(
    runner,
    { train: batches(5), valid: batches(1) },
    { cbs: [new TrainCB()], optFunc },
  );
  await learn.fitOneCycle(2, { lr, pctStart: 0.5, divFactor: 10, moms: [0.9, 0.8] });
  const opt = optFunc(parameters, 1);
  const options = { pctStart: 0.5, divFactor: 10, maxMomentum: 0.9, baseMomentum: 0.8 };
  const cycle = new OneCycleLR(opt, { maxLr: [0.1, 1], totalSteps: 10, ...options });
  for (const step of runner.stepped) {
    t.same(step, opt.settings());
    cycle.step();
  }
  t.equal(runner.stepped.length, 10);
  t.same(learn.cbs.length, 1, 'the schedule is gone after the fit');
  const other = new BatchSchedCB(opt => new ExponentialLR(opt, { gamma: 0.9 }));
  await t.rejects(learn.fitOneCycle(1, { cbs: [other] }), { code: 'E_LEARNER', message: /Two schedules/ });
});

t.test('fitFlatCos, with an optimizer that is kept too', async t => {
  const runner = new FakeRunner();
  const learn = new Learner(runner, { train: batches(4), valid: batches(1) }, { cbs: [new TrainCB()] });
  await learn.fitFlatCos(1, { lr: 1, pctStart: 0.5, divFinal: 10 });
  const expected = [1, 1, 1, 0.55];
  t.same(ratesOf(runner), expected);
  learn.optFunc = null;
  await learn.fitFlatCos(1, { lr: 2, pctStart: 0.5, divFinal: 10 });
  t.same(
    ratesOf(runner).slice(4),
    expected.map(rate => 2 * rate),
  );
});

t.test('ReduceLROnPlateauCB watches a column of the rows', async t => {
  const losses = [0.9, 0.5, 0.6, 0.6, 0.4, 0.5, 0.5, 0.5];
  const runner = new FakeRunner();
  const cb = new ReduceLROnPlateauCB({ factor: 0.1, patience: 1 });
  const learn = new Learner(runner, fakeLoaders(), { lr: 1, cbs: [cb, new TrainCB(), new MetricsCB()] });
  Object.assign(runner, { answer: () => ({ meanLoss: learn.training ? 1 : losses[learn.epoch] }) });
  await learn.fit(losses.length);
  // Reduced after epoch 4 (two bad ones) and after epoch 7.
  t.same(
    ratesOf(runner).filter((_, i) => i % 2 === 0),
    [1, 1, 1, 1, 0.1, 0.1, 0.1, 0.01],
  );
  learn.remove(ReduceLROnPlateauCB);
  const wrong = new ReduceLROnPlateauCB({ monitor: 'acuracy' });
  await t.rejects(learn.fit(1, { cbs: [wrong] }), { code: 'E_CALLBACK', hint: /loss/ });
  learn.remove(MetricsCB);
  await t.rejects(learn.fit(1, { cbs: [cb] }), { code: 'E_CALLBACK', hint: /MetricsCB/ });
});

/** A fit in which the optimizer's mean of squares is each of these after one epoch. */
async function annealed(
  annealer: AutoAnnealerCB,
  squares: readonly number[],
  optFunc = adam({ betas: [0.9, 0.5] }),
) {
  const runner = new FakeRunner();
  const learn = new Learner(runner, fakeLoaders(), { lr: 1, cbs: [new TrainCB(), annealer], optFunc });
  runner.getState = async () => {
    const steps = 2 * (learn.epoch + 1);
    // What Adam would keep: not corrected for its start at 0.
    const square = new Float32Array(50).fill(squares[learn.epoch] * (1 - 0.5 ** steps));
    const optimizer = {
      spec: learn.opt.spec,
      steps: learn.opt.paramGroups.map(() => steps),
      buffers: { square },
    };
    return { ...runner.state, optimizer };
  };
  await learn.fit(squares.length);
  return { learn, rates: ratesOf(runner).filter((_, i) => i % 2 === 0) };
}

t.test("AutoAnnealerCB: the spreadsheet's trigger and the lesson's", async t => {
  // Roots: 3, 2, 3, 4.1, 5, 1.4, 1: above twice the best after epochs 4 and 5.
  const squares = [9, 4, 9, 4.1 ** 2, 25, 1.4 ** 2, 1];
  const doubled = new AutoAnnealerCB({ trigger: 'doubled' });
  t.same((await annealed(doubled, squares)).rates, [1, 1, 1, 1, 0.25, 0.0625, 0.0625]);
  const statistics = doubled.history.map(({ statistic }) => statistic / 50);
  t.ok(statistics.every((value, i) => Math.abs(value - Math.sqrt(squares[i])) < 1e-6));
  // Half of 3 is passed by 1.4.
  const halved = new AutoAnnealerCB({ trigger: 'halved', factor: 10 });
  t.same((await annealed(halved, squares)).rates, [1, 1, 1, 1, 1, 1, 0.1]);
  const resumed = new AutoAnnealerCB({ trigger: 'doubled' });
  const saved = JSON.parse(JSON.stringify(doubled.saveState()));
  t.same(saved, { reference: doubled.history[6].statistic, history: doubled.history });
  resumed.restoreState(saved);
  t.same(resumed.saveState(), saved);
  await t.rejects(annealed(new AutoAnnealerCB({ trigger: 'halved' }), [1], sgd()), {
    code: 'E_CALLBACK',
    message: /sgd keeps no running mean/,
  });
  t.throws(() => new AutoAnnealerCB({ trigger: 'trebled' as 'doubled' }), { code: 'E_CONFIG' });
});
