/** How far the finder goes, when it stops, and what it suggests. */
import t from 'tap';
import { BatchSchedCB } from '../../src/callbacks/batch-sched.js';
import { LRFinderCB } from '../../src/callbacks/lr-finder.js';
import { suggestLrs } from '../../src/callbacks/lr-suggestions.js';
import { TrainCB } from '../../src/callbacks/train.js';
import type { Callback } from '../../src/learner/callback.js';
import { Learner } from '../../src/learner/learner.js';
import { sgd } from '../../src/learner/optimizer.js';
import { OneCycleLR } from '../../src/learner/schedules/one-cycle.js';
import { FakeLoader, FakeRunner } from '../learner/fake-runner.js';

/** @param meanLoss of each training batch, by its number */
function build(meanLoss: (call: number) => number, ...cbs: Callback[]) {
  const runner = new FakeRunner((_, call) => ({ meanLoss: meanLoss(call) }));
  const train = new FakeLoader(Array.from({ length: 20 }, () => [0]));
  const valid = new FakeLoader([[0]]);
  return { runner, valid, learn: new Learner(runner, { train, valid }, { cbs: [new TrainCB(), ...cbs] }) };
}

t.test('44 batches up to a rate of 1, 53 up to 10; nothing is validated', async t => {
  for (const [endLr, batches] of [
    [1, 44],
    [10, 53],
  ]) {
    const finder = new LRFinderCB({ startLr: 1e-5, endLr });
    const { learn, runner, valid } = build(() => 1);
    await learn.fit(10, { cbs: [finder] });
    t.equal(finder.lrs.length, batches);
    t.strictSame(
      runner.stepped.map(([{ lr }]) => lr),
      finder.lrs,
      'recorded are the rates that were used',
    );
    for (const [i, lr] of finder.lrs.entries()) t.ok(Math.abs(lr / (1e-5 * 1.3 ** i) - 1) < 1e-12);
    t.equal(valid.opened, 0);
  }
});

t.test('it ends when the loss is three times its lowest, or no number', async t => {
  const finder = new LRFinderCB({ startLr: 1e-3 });
  const { learn } = build(call => [2, 1, 2.9, 3.1, 0][call]);
  await learn.fit(1, { cbs: [finder] });
  t.strictSame(finder.losses, [2, 1, 2.9, 3.1]);
  const other = build(call => (call === 0 ? 2 : Number.NaN));
  await other.learn.fit(1, { cbs: [finder] });
  t.strictSame(finder.losses, [2]);
  t.equal(other.learn.stopOnNonFinite, true, 'later fits stop on NaN as before');
  await t.rejects(other.learn.fit(1), { code: 'E_DIVERGED' });
  t.throws(() => finder.suggestions, { code: 'E_LEARNER', message: /after 1 steps/ });
});

t.test('groups keep their proportions', async t => {
  const finder = new LRFinderCB({ startLr: 1e-4, gamma: 2, endLr: 4e-4 });
  const { learn, runner } = build(() => 1);
  learn.optFunc = sgd({ groups: [{ match: /conv/, lr: 0.01 }] });
  await learn.fit(1, { lr: 0.03, cbs: [finder] });
  const ratios = runner.stepped.map(([a, b]) => b.lr / a.lr);
  t.strictSame(finder.lrs, [1e-4, 2e-4, 4e-4]);
  for (const ratio of ratios) t.ok(Math.abs(ratio - 3) < 1e-12);
});

t.test('a scheduler in the same fit is refused, on whichever side it stands', async t => {
  const oneCycle = () => new BatchSchedCB((opt, totalSteps) => new OneCycleLR(opt, { maxLr: 1, totalSteps }));
  for (const cbs of [
    [oneCycle(), new LRFinderCB()],
    [new LRFinderCB(), oneCycle()],
  ])
    await t.rejects(build(() => 1, ...cbs).learn.fit(1), { code: 'E_CALLBACK', hint: /learn\.remove/ });
});

t.test('suggestions on a synthetic curve are those of fastai', t => {
  const lrs = Array.from({ length: 53 }, (_, i) => 1e-5 * 1.3 ** i);
  const losses = lrs.map((lr, i) => {
    const fall = 1.5 / (1 + Math.exp(-2 * (Math.log10(lr) + 2)));
    return 2.3 - fall + 0.02 * Math.sin(i * 1.7) + (lr > 0.5 ? 0.3 * lr : 0);
  });
  const { valley, steep, minimum } = suggestLrs(lrs, losses);
  // From valley, steep and minimum of fastai's callback/schedule.py, given the same smoothed and trimmed curve.
  for (const [got, expected] of [
    [valley, 0.0024706452907345055],
    [steep, 0.007056410014866821],
    [minimum, 0.027783742160348613],
  ])
    t.ok(Math.abs(got / expected - 1) < 1e-12, `${got}`);
  t.ok(steep > 0.004 && steep < 0.025, 'the curve falls fastest at 0.01');
  const rising = suggestLrs([0.1, 1, 10], [1, 2, 3]);
  t.strictSame(rising, { valley: 0.1, steep: 0.1, minimum: 0.01 });
  t.end();
});

t.test('settings that cannot be', t => {
  t.throws(() => new LRFinderCB({ gamma: 1 }), { code: 'E_CONFIG' });
  t.throws(() => new LRFinderCB({ maxMult: Number.NaN }), { code: 'E_CONFIG' });
  t.throws(() => new LRFinderCB({ startLr: 0 }), { code: 'E_CONFIG' });
  t.throws(() => new LRFinderCB({ startLr: 1, endLr: 0.1 }), { code: 'E_CONFIG' });
  t.end();
});
