import t from 'tap';
import { GradientClipCB } from '../../src/callbacks/gradient-clip.js';
import { TrainCB } from '../../src/callbacks/train.js';
import { Learner } from '../../src/learner/learner.js';
import { loaderOf, slicesOf, syntheticRing } from '../fixtures/batches.js';
import { makeCoordinator } from '../fixtures/coordinators.js';

t.test('a step of SGD is as long as the clipped gradient, and the norm before is told', async t => {
  const runner = makeCoordinator(2);
  t.teardown(() => runner.close());
  const train = loaderOf(slicesOf(syntheticRing(9), [9]));
  const clip = new GradientClipCB({ norm: 1e-3 });
  const learn = new Learner(runner, { train, valid: train }, { cbs: [new TrainCB(), clip], lr: 4 });
  await runner.open();
  const before = await runner.getState();
  await learn.fit(1, { valid: false });
  const after = await runner.getState();
  const step = Math.hypot(...after.parameters.map((value, i) => value - before.parameters[i]));
  t.ok(clip.lastNorm > 1e-2, `the gradient's norm was ${clip.lastNorm}`);
  // Weights of about 0.1 are rounded by some 1e-8 each: by 1e-6 all together.
  t.ok(Math.abs(step / (4 * 1e-3) - 1) < 1e-3, `the step's length is ${step}`);
});

t.test('limits that are none are refused', async t => {
  for (const limits of [
    {},
    { norm: 0 },
    { norm: -1 },
    { value: Number.NaN },
    { value: Number.POSITIVE_INFINITY },
  ])
    t.throws(() => new GradientClipCB(limits), { code: 'E_CONFIG', where: 'GradientClipCB' });
});
