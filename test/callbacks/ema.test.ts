import t from 'tap';
import { EmaCB } from '../../src/callbacks/ema.js';
import { TrainCB } from '../../src/callbacks/train.js';
import { Callback } from '../../src/learner/callback.js';
import { CancelEpochException } from '../../src/learner/cancel.js';
import { Learner } from '../../src/learner/learner.js';
import { normalize } from '../../src/nn/transform-specs.js';
import type { TrainingState } from '../../src/protocol/optimizer.js';
import { loaderOf, slicesOf, syntheticRing } from '../fixtures/batches.js';
import { makeCoordinator } from '../fixtures/coordinators.js';
import { FakeRunner, fakeLoaders } from '../learner/fake-runner.js';
import { recorder } from '../learner/recorder.js';

/** The weights after every training step, and those that are validated. */
class WatchWeights extends Callback {
  readonly trained: Float32Array[] = [];
  readonly validated: Float32Array[] = [];
  afterValid?: TrainingState;

  override async afterBatch({ runner, training }: Learner): Promise<void> {
    const { parameters } = await runner.getState();
    (training ? this.trained : this.validated).push(parameters);
  }

  override async afterEpoch({ runner, training }: Learner): Promise<void> {
    if (!training) this.afterValid = await runner.getState({ average: true });
  }
}

t.test('validation and the fit’s end see the average of all steps; training does not', async t => {
  const runner = makeCoordinator(3);
  t.teardown(() => runner.close());
  const train = loaderOf(slicesOf(syntheticRing(18), [9, 9], [normalize({ mean: [0.5], std: [0.3] })]));
  const watch = new WatchWeights();
  const cbs = [new TrainCB(), new EmaCB({ decay: 0.7 }), watch];
  const learn = new Learner(runner, { train, valid: train }, { cbs, lr: 0.5 });
  await learn.fit(2);

  const averages: Float64Array[] = [];
  for (const weights of watch.trained) {
    const last = averages.at(-1);
    averages.push(Float64Array.from(weights, (value, i) => (last ? 0.7 * last[i] + 0.3 * value : value)));
  }
  const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
    Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i])));
  t.ok(distance(watch.validated[0], averages[1]) < 1e-6);
  t.ok(distance(watch.validated[2], averages[3]) < 1e-6);
  t.ok(distance(watch.trained[1], averages[1]) > 1e-3, 'the two are not the same');
  t.strictSame(watch.afterValid?.parameters, watch.trained[3], 'swapped back after validation');
  t.strictSame(watch.afterValid?.average?.parameters, watch.validated[3]);
  const end = await runner.getState({ average: true });
  t.strictSame(end.parameters, watch.validated[3]);
  t.equal(end.average, undefined);
  await runner.verifyReplicas();
});

const swapsOf = ({ calls }: FakeRunner): string[] => calls.filter(call => /verage/.test(call));

t.test('it begins at startStep, moves every so many steps, and is swapped back whatever happens', async t => {
  const runner = new FakeRunner();
  const cancelling = recorder([], ['afterBatch'], {
    afterBatch: ({ training }) => {
      if (!training) throw new CancelEpochException();
    },
  });
  const ema = new EmaCB({ decay: 0.9, every: 2, startStep: 1, keep: false });
  const learn = new Learner(runner, fakeLoaders(), { cbs: [new TrainCB(), ema, cancelling] });
  await learn.fit(2);
  // Two steps an epoch: the average begins with the second and is next due with the fourth.
  const epoch = ['average(0.9)', 'swapAverage', 'swapAverage'];
  t.strictSame(swapsOf(runner), ['dropAverage', ...epoch, ...epoch, 'dropAverage']);
});

t.test('an error leaves the weights that were trained; a resumed fit goes on with its average', async t => {
  const runner = new FakeRunner();
  const ema = new EmaCB({ decay: 0.9, validate: false });
  const failing = recorder([], ['afterEpoch'], {
    afterEpoch: () => {
      throw new Error('on purpose');
    },
  });
  const learn = new Learner(runner, fakeLoaders(), { cbs: [new TrainCB(), ema] });
  await t.rejects(learn.fit(1, { cbs: [failing] }), /on purpose/);
  t.strictSame(swapsOf(runner), ['dropAverage', 'average(0.9)', 'average(0.9)', 'dropAverage']);

  runner.calls.length = 0;
  const validating = new EmaCB({ decay: 0.9 });
  await new Learner(runner, fakeLoaders(), { cbs: [new TrainCB(), validating] }).fit(2, {
    resume: {
      position: { epoch: 1, phase: 'valid', batch: 0 },
      globalStep: 2,
      restoreModel: async () => {},
      restoreCallbacks: async () => validating.restoreState({ steps: 2, averaged: true }),
    },
  });
  t.strictSame(swapsOf(runner), ['swapAverage', 'swapAverage', 'swapAverage', 'dropAverage']);
});

t.test('settings out of range are refused', async t => {
  for (const options of [{ decay: 1 }, { decay: 0 }, { decay: 0.9, every: 0 }, { decay: 0.9, startStep: -1 }])
    t.throws(() => new EmaCB(options), { code: 'E_CONFIG', where: 'EmaCB' });
});
