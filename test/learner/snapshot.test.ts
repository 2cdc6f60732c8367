import t from 'tap';
import { TrainCB } from '../../src/callbacks/train.js';
import { Learner } from '../../src/learner/learner.js';
import { adamW, sgd } from '../../src/learner/optimizer.js';
import { withSnapshot } from '../../src/learner/snapshot.js';
import { models } from '../../src/models/catalog.js';
import { loaderOf, slicesOf, syntheticRing } from '../fixtures/batches.js';
import { makeCoordinator } from '../fixtures/coordinators.js';
import { FakeRunner, fakeLoaders } from './fake-runner.js';
import { recorder } from './recorder.js';

t.test('training goes on bit for bit, whatever was trained or failed in between', async t => {
  const recipe = { ...models.resnet, options: { filters: [4, 8] } };
  const weights: Float32Array[] = [];
  for (const isDisturbed of [false, true]) {
    const runner = makeCoordinator(2, { recipe });
    t.teardown(() => runner.close());
    const loader = { ...loaderOf(slicesOf(syntheticRing(9), [5, 4])), epoch: 7 };
    const dls = { train: loader, valid: loader };
    const learn = new Learner(runner, dls, { cbs: [new TrainCB()], lr: 0.01, optFunc: adamW() });
    await learn.fit(1, { valid: false });
    learn.optFunc = null;
    if (isDisturbed) {
      const { opt, position } = learn;
      await withSnapshot(learn, async () => {
        learn.optFunc = sgd();
        await learn.fit(2, { lr: 3, valid: false });
        await runner.average(0.5);
        loader.epoch = 20;
      });
      learn.optFunc = null;
      const failing = withSnapshot(learn, async () => {
        learn.opt.paramGroups[0].lr = 5;
        await learn.fit(1, {
          valid: false,
          cbs: [
            recorder([], ['afterBackward'], {
              afterBackward: () => {
                throw new Error('on purpose');
              },
            }),
          ],
        });
      });
      await t.rejects(failing, /on purpose/);
      t.equal(learn.opt, opt);
      t.strictSame(learn.position, position);
      t.equal(learn.globalStep, 2);
      t.equal(loader.epoch, 7);
      const left = await runner.getState({ average: true, gradients: true });
      t.strictSame([left.average, left.gradients], [undefined, undefined]);
    }
    await learn.fit(2, { valid: false });
    weights.push((await runner.getState()).parameters);
  }
  t.strictSame(weights[1], weights[0]);
});

t.test('the value is handed on, and where replicas are gone their error is not hidden', async t => {
  const runner = new FakeRunner();
  const learn = new Learner(runner, fakeLoaders(), { cbs: [new TrainCB()] });
  t.equal(await withSnapshot(learn, async () => 42), 42);
  runner.setState = async () => {
    throw new Error('gone');
  };
  await t.rejects(
    withSnapshot(learn, async () => {
      throw new Error('first');
    }),
    /first/,
  );
  await t.rejects(
    withSnapshot(learn, async () => 42),
    /gone/,
  );
});
