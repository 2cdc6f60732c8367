/** What RecorderCB records is what the batch was trained with, wherever it stands in the list. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { BatchSchedCB } from '../../src/callbacks/batch-sched.js';
import { RecorderCB } from '../../src/callbacks/recorder.js';
import { SingleBatchCB } from '../../src/callbacks/single-batch.js';
import { TrainCB } from '../../src/callbacks/train.js';
import type { Callback } from '../../src/learner/callback.js';
import { Learner } from '../../src/learner/learner.js';
import { adam } from '../../src/learner/optimizer.js';
import { OneCycleLR } from '../../src/learner/schedules/one-cycle.js';
import { FakeLoader, FakeRunner, fakeLoaders } from '../learner/fake-runner.js';

const make = () => new RecorderCB({ lr: cb => cb.pg.lr, mom: cb => cb.pg.betas![0] });
const oneCycle = () => new BatchSchedCB((opt, totalSteps) => new OneCycleLR(opt, { maxLr: 0.1, totalSteps }));

const tenBatches = () => ({
  train: new FakeLoader(Array.from({ length: 10 }, () => [0, 1])),
  valid: new FakeLoader([[0, 1, 1], [0]]),
});

function build(cbs: readonly Callback[]) {
  // The loss says which batch of which call it is.
  const runner = new FakeRunner((_, call) => ({ meanLoss: call }));
  return {
    runner,
    learn: new Learner(runner, tenBatches(), { cbs: [new TrainCB(), ...cbs], optFunc: adam() }),
  };
}

for (const [order, list] of [
  ['before', (recorder: RecorderCB) => [recorder, oneCycle()]],
  ['after', (recorder: RecorderCB) => [oneCycle(), recorder]],
] as const) {
  t.test(`listed ${order} the scheduler: rate and momentum of each batch`, async t => {
    const recorder = make();
    const { learn, runner } = build(list(recorder));
    await learn.fit(2);
    const sent = runner.stepped.map(([group]) => group);
    t.equal(sent.length, 20);
    t.strictSame(recorder.records, {
      lr: sent.map(({ lr }) => lr),
      mom: sent.map(({ betas }) => betas?.[0]),
    });
    t.ok(Math.abs(recorder.records.lr[0] - 0.1 / 25) < 1e-12, 'the cycle begins with its first rate');
    t.ok(runner.calls.includes('trainBatch'), 'and the step stays fused');
  });
}

t.test('losses: every training batch, every validation at the end of its epoch', async t => {
  const recorder = make();
  const { learn } = build([recorder]);
  await learn.fit(2);
  const { train, valid } = recorder.losses;
  t.strictSame(
    train.x,
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
  t.strictSame(train.y.slice(8, 12), [8, 9, 12, 13], 'two batches of validation in between');
  // Means over samples: three of batch 10 and one of batch 11.
  t.strictSame(valid, { x: [10, 20], y: [10.25, 22.25] });
});

t.test('a fit begins anew, or adds to the last', async t => {
  const [fresh, keeping] = [make(), new RecorderCB({ lr: cb => cb.pg.lr }, { keep: true })];
  const { learn } = build([fresh, keeping]);
  await learn.fit(1, { lr: 0.5 });
  await learn.fit(1, { lr: 0.25, valid: false });
  t.strictSame(fresh.records.lr, Array(10).fill(0.25));
  t.strictSame(keeping.records.lr, [...Array(10).fill(0.5), ...Array(10).fill(0.25)]);
  t.strictSame(keeping.losses.train.x.slice(9, 12), [10, 11, 12]);
  t.strictSame(keeping.losses.valid.x, [10]);
  await learn.runValidation();
  t.strictSame(keeping.losses.valid.x, [10], 'a validation by itself is no part of a fit');
});

t.test('the batch that ends the fit is recorded; a resumed fit goes on', async t => {
  const recorder = make();
  const { learn } = build([recorder]);
  await learn.fit(1, { cbs: [new SingleBatchCB()] });
  t.strictSame(recorder.records, { lr: [0.1], mom: [0.9] });
  const saved = JSON.parse(JSON.stringify(recorder.saveState()));
  const other = make();
  other.restoreState(saved);
  t.strictSame([other.records, other.losses], [recorder.records, recorder.losses]);
});

t.test('plot and plotLoss save picture and data', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'recorder-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const recorder = make();
  const { learn } = build([oneCycle(), recorder]);
  await t.rejects(recorder.plot(), { code: 'E_CALLBACK', hint: /after fit/ });
  await learn.fit(1);
  const chart = await recorder.plot(join(folder, 'rates.svg'));
  t.strictSame(
    chart.charts.map(({ y }) => y.label),
    ['learning rate', 'momentum'],
  );
  const data = JSON.parse(readFileSync(join(folder, 'rates.json'), 'utf8'));
  t.strictSame(data.charts[1].series[0].y, recorder.records.mom);
  await recorder.plotLoss(join(folder, 'loss.png'));
  t.equal(JSON.parse(readFileSync(join(folder, 'loss.json'), 'utf8')).series[1].name, 'valid');
});

t.test('misuse', async t => {
  t.throws(() => new RecorderCB().learn, { code: 'E_CALLBACK' });
  await t.rejects(new RecorderCB().plot(), { code: 'E_CALLBACK', hint: /give it functions/ });
  const wrong = new RecorderCB({ mom: cb => cb.pg.momentum as number });
  const learn = new Learner(new FakeRunner(), fakeLoaders(), {
    cbs: [new TrainCB(), wrong],
    optFunc: adam(),
  });
  await t.rejects(learn.fit(1), { code: 'E_CALLBACK', where: 'RecorderCB mom', hint: /betas\[0\]/ });
});
