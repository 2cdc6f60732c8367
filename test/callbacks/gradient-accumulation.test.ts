import t from 'tap';
import { BatchSchedCB } from '../../src/callbacks/batch-sched.js';
import { GradientAccumulationCB } from '../../src/callbacks/gradient-accumulation.js';
import { GradientClipCB } from '../../src/callbacks/gradient-clip.js';
import { MetricsCB } from '../../src/callbacks/metrics.js';
import { TrainCB } from '../../src/callbacks/train.js';
import type { Coordinator } from '../../src/coordinator/coordinator.js';
import { CancelBatchException } from '../../src/learner/cancel.js';
import { Learner } from '../../src/learner/learner.js';
import { MomentumLearner } from '../../src/learner/momentum-learner.js';
import { sgd } from '../../src/learner/optimizer.js';
import { normalize } from '../../src/nn/transform-specs.js';
import { loaderOf, slicesOf, syntheticRing } from '../fixtures/batches.js';
import { makeCoordinator } from '../fixtures/coordinators.js';
import { FakeLoader, FakeRunner } from '../learner/fake-runner.js';
import { recorder } from '../learner/recorder.js';

const transforms = [normalize({ mean: [0.5], std: [0.3] })];

/** Weights after some epochs of SGD with momentum, from the same start each time. */
async function trained(
  runner: Coordinator,
  sizes: readonly number[],
  accumulation?: GradientAccumulationCB,
): Promise<Float32Array> {
  const start = await runner.getState();
  const total = sizes.reduce((sum, size) => sum + size);
  const train = loaderOf(slicesOf(syntheticRing(total), sizes, transforms));
  const cbs = [new TrainCB(), ...(accumulation ? [accumulation] : [])];
  const learn = new Learner(
    runner,
    { train, valid: train },
    { cbs, lr: 0.2, optFunc: sgd({ momentum: 0.9 }) },
  );
  await learn.fit(4, { valid: false });
  const { parameters } = await runner.getState();
  await runner.setState(start);
  return parameters;
}

function distance(a: Float32Array, b: Float32Array): number {
  const l2 = (values: Float32Array): number => Math.hypot(...values);
  return l2(a.map((value, i) => value - b[i])) / l2(b);
}

t.test('a group of batches trains as one batch of all their samples', async t => {
  const runner = makeCoordinator(3);
  t.teardown(() => runner.close());
  await runner.open();
  const whole = await trained(runner, [21]);
  const even = await trained(runner, [7, 7, 7], new GradientAccumulationCB({ batches: 3 }));
  t.ok(distance(even, whole) < 1e-6, `even batches: ${distance(even, whole)}`);
  // The last two are fewer samples than asked for: they are stepped at the end of the epoch.
  const twoSteps = await trained(runner, [13, 8]);
  const uneven = await trained(runner, [8, 5, 7, 1], new GradientAccumulationCB({ samples: 13 }));
  t.ok(distance(uneven, twoSteps) < 1e-6, `uneven batches: ${distance(uneven, twoSteps)}`);
  t.ok(distance(twoSteps, whole) > 1e-3, 'which is another training than that of one step');
});

const fiveBatches = () => ({
  train: new FakeLoader([[0], [1], [0], [1], [0]]),
  valid: new FakeLoader([[0, 1]]),
});

t.test('every batch is measured, steps are scheduled, whole groups are clipped', async t => {
  const runner = new FakeRunner();
  const accumulation = new GradientAccumulationCB({ batches: 2 });
  const rates: number[] = [];
  let totalSteps = 0;
  const schedule = new BatchSchedCB((opt, total) => {
    totalSteps = total;
    return {
      step: () => {
        opt.paramGroups[0].lr /= 2;
        rates.push(opt.paramGroups[0].lr);
      },
      getLastLr: () => rates.slice(-1),
      state: () => ({}),
      restore: () => {},
    };
  });
  const metrics = new MetricsCB();
  const cbs = [new TrainCB(), new GradientClipCB({ norm: 2 }), metrics, schedule, accumulation];
  const learn = new Learner(runner, fiveBatches(), { cbs, lr: 1 });
  await learn.fit(1, { valid: false });
  const group = ['backward', 'predict', 'getLoss', 'backward'];
  const step = ['zeroGrad(0.5)', 'clipGradients({"norm":2})', 'step', 'zeroGrad(0)'];
  t.strictSame(runner.calls, [
    ...['predict', 'getLoss', ...group, ...step],
    ...['predict', 'getLoss', ...group, ...step],
    ...['predict', 'getLoss', 'backward', ...step.slice(1)],
  ]);
  t.equal(totalSteps, 3);
  t.strictSame(rates, [0.5, 0.25, 0.125]);
  t.equal(learn.globalStep, 3);
  t.equal(learn.lastRow?.samples, 5);
});

t.test(
  'what a cancelled last batch leaves over is stepped; what a cancelled fit leaves is dropped',
  async t => {
    const cancelling = (at: number) =>
      recorder([], ['afterLoss'], {
        afterLoss: learn => {
          if (learn.iter === at) throw new CancelBatchException();
        },
      });
    const runner = new FakeRunner();
    const accumulation = new GradientAccumulationCB({ batches: 3 });
    const cbs = [new TrainCB(), accumulation, new GradientClipCB({ value: 1 })];
    const learn = new Learner(runner, fiveBatches(), { cbs });
    await learn.fit(1, { valid: false, cbs: [cancelling(4)] });
    t.equal(learn.globalStep, 2);
    t.strictSame(runner.calls.slice(-3), ['clipGradients({"value":1})', 'step', 'zeroGrad(0)']);

    const stopping = recorder([], ['afterBatch'], {
      afterBatch: learn => learn.iter === 1 && learn.stop('enough'),
    });
    await learn.fit(1, { valid: false, cbs: [stopping] });
    t.strictSame(runner.calls.slice(-2), ['backward', 'zeroGrad(0)']);
  },
);

t.test('what cannot be accumulated is refused', async t => {
  t.throws(() => new GradientAccumulationCB({}), { code: 'E_CONFIG' });
  t.throws(() => new GradientAccumulationCB({ batches: 2, samples: 64 }), { code: 'E_CONFIG' });
  t.throws(() => new GradientAccumulationCB({ batches: 1.5 }), { code: 'E_CONFIG' });
  const bySamples = new Learner(new FakeRunner(), fiveBatches(), {
    cbs: [new TrainCB(), new GradientAccumulationCB({ samples: 2 })],
  });
  await t.rejects(bySamples.fit(1), { code: 'E_CALLBACK', message: /batch size/ });
  const momentum = new MomentumLearner(new FakeRunner(), fiveBatches(), {
    cbs: [new GradientAccumulationCB({ batches: 2 })],
  });
  await t.rejects(momentum.fit(1), { code: 'E_CALLBACK', message: /MomentumLearner/ });
});
