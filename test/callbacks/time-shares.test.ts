import t, { type Test } from 'tap';
import { slowestReplica, TimeAccount, type TimeShares } from '../../src/callbacks/time-account.js';
import { TimeSharesCB } from '../../src/callbacks/time-shares.js';
import { TrainCB } from '../../src/callbacks/train.js';
import type { Callback } from '../../src/learner/callback.js';
import { Learner } from '../../src/learner/learner.js';
import type { Batch } from '../../src/protocol/batch.js';
import type { GroupSettings } from '../../src/protocol/optimizer.js';
import type { ReplicaTimes, StepResult } from '../../src/protocol/step-runner.js';
import { Purpose, Random } from '../../src/random.js';
import { FakeLoader, FakeRunner } from '../learner/fake-runner.js';
import { recorder } from '../learner/recorder.js';

const times = (compute: number, allReduce: number, update: number): ReplicaTimes => ({
  compute,
  allReduce,
  update,
});

const stepOf = (replicas: readonly ReplicaTimes[]) => ({ ...replicas[0], replicas });

/** Two replicas, the second slower: a training step takes 100 ms, of which 10 are nobody's; a validation batch 40. */
class TimedRunner extends FakeRunner {
  override readonly devices = ['wasm:0', 'wasm:1'];
  now = 0;

  override async trainBatch(batch: Batch, groups: readonly GroupSettings[]): Promise<StepResult> {
    this.now += 100;
    const result = await super.trainBatch(batch, groups);
    return { ...result, times: stepOf([times(50, 38, 2), times(80, 8, 2)]) };
  }

  override async validBatch(batch: Batch): Promise<StepResult> {
    this.now += 40;
    return super.validBatch(batch);
  }

  override async predict(batch: Batch, options: { training: boolean }) {
    this.now += 70;
    return super.predict(batch, options);
  }
}

/** 4 training batches, each waited 25 ms for, and 2 validation batches an epoch: 4 · 125 + 2 · 40 = 580 ms. */
function build(...more: Callback[]) {
  const runner = new TimedRunner();
  const shares = new TimeSharesCB();
  const train = new FakeLoader([[0], [0], [0], [0]]);
  train.waitMs = 0;
  train.onBatch = index => {
    runner.now += 25;
    train.waitMs = (index + 1) * 25;
  };
  const dls = { train, valid: new FakeLoader([[0], [1]]) };
  const clock = () => runner.now;
  const learn = new Learner(runner, dls, { cbs: [new TrainCB(), shares, ...more], clock });
  return { learn, runner, shares };
}

const total = ({ data = 0, compute, reduce, update, steps, validation, checkpoints, other }: TimeShares) =>
  data + compute + reduce + update + steps + validation + checkpoints + other;

const near = (t: Test, found: number | undefined, ms: number, of: number, name: string) =>
  t.ok(Math.abs((found ?? Number.NaN) - ms / of) < 1e-12, `${name}: ${found} is ${ms} of ${of} ms`);

t.test('the shares of an epoch and of a fit are those of the known times', async t => {
  const { learn, runner, shares } = build();
  await learn.fit(3);
  for (const [found, of] of [
    [shares.ofEpoch(3), 580],
    [shares.ofEpoch(2), 580],
    [shares.ofFit(runner.now), 3 * 580],
  ] as const) {
    const epochs = of / 580;
    if (!found) throw new Error('no shares');
    near(t, found.data, epochs * 100, of, 'data');
    near(t, found.compute, epochs * 4 * 65, of, 'compute, the mean of both');
    near(t, found.reduce, epochs * 4 * 23, of, 'reduce');
    near(t, found.update, epochs * 4 * 2, of, 'update');
    near(t, found.validation, epochs * 80, of, 'validation');
    near(t, found.other, epochs * 4 * 10, of, 'what nobody accounts for');
    t.equal(found.steps, 0);
    near(t, total(found), 1, 1, 'all of it');
    t.same(
      found.replicas.map(({ device }) => device),
      ['wasm:0', 'wasm:1'],
    );
    near(t, found.replicas[0].compute, epochs * 4 * 50, of, 'replica 0 computes');
    near(t, found.replicas[0].reduce, epochs * 4 * 38, of, 'and waits');
    near(t, found.replicas[1].compute, epochs * 4 * 80, of, 'replica 1 computes');
    const slow = slowestReplica(found);
    t.same([slow?.slowest, slow?.waiting], [1, 0]);
    near(t, slow?.wait, epochs * 4 * 30, of, 'replica 0 waits for it');
  }
  t.equal(shares.ofEpoch(1), undefined, 'epochs long over are not kept');
});

t.test('checkpoints count in the phase they interrupt, and in the fit wherever they are', async t => {
  const saving = recorder([], ['cleanupBatch', 'cleanupFit'], {
    cleanupBatch: learn => {
      if (learn.training && learn.iter === 1) save(60);
    },
    cleanupFit: () => save(200),
  });
  const { learn, runner, shares } = build(saving);
  const save = (ms: number): void => {
    runner.now += ms;
    shares.saved(ms);
  };
  await learn.fit(1);
  near(t, shares.ofEpoch(1)?.checkpoints, 60, 640, 'of the epoch');
  near(t, shares.ofFit(runner.now).checkpoints, 260, 840, 'of the fit');
  near(t, total(shares.ofFit(runner.now)), 1, 1, 'all of it');
});

t.test('steps of several messages are told as a whole; a phase that is cut short counts', async t => {
  const { learn, runner, shares } = build(
    recorder([], ['afterLoss', 'beforeBatch'], {
      beforeBatch: ({ iter, training }) => {
        if (training && iter === 3) learn.stop('enough');
      },
    }),
  );
  await learn.fit(1);
  const found = shares.ofFit(runner.now);
  near(t, found.steps, 210, 310, 'three steps of 70 ms');
  near(t, found.data, 100, 310, 'four batches were waited for');
  t.same([found.compute, found.replicas], [0, []]);
});

t.test('a replica that is given up keeps its time; the mean is of those that were there', async t => {
  const account = new TimeAccount();
  account.addStep(stepOf([times(10, 0, 0), times(20, 0, 0), times(30, 0, 0)]), ['a', 'b', 'a']);
  account.addStep(stepOf([times(20, 0, 0), times(40, 0, 0)]), ['a', 'a']);
  const { compute, replicas } = account.shares(100);
  t.equal(compute, 0.5);
  t.same(
    replicas.map(({ device, compute }) => [device, compute]),
    [
      ['a', 0.3],
      ['b', 0.2],
      ['a', 0.7],
    ],
  );
});

t.test('whatever the clocks say, no share is below 0 and together they are 1', async t => {
  const random = new Random({ seed: 5, purpose: Purpose.noise });
  for (let round = 0; round < 200; round++) {
    const account = new TimeAccount();
    const replicas = 1 + random.below(4);
    const devices = Array.from({ length: replicas }, (_, i) => `wasm:${i}`);
    for (let step = 0; step < 5; step++) {
      const some = () => random.below(50);
      account.addStep(stepOf(devices.map(() => times(some(), some(), some()))), devices);
      account.addData(some());
      account.checkpointMs += some();
    }
    const shares = account.shares(random.below(1500));
    const { replicas: table, ...parts } = shares;
    const most = Math.max(...table.map(({ compute, reduce, update }) => compute + reduce + update));
    const isSound = Math.min(...Object.values(parts)) >= 0 && Math.abs(total(shares) - 1) < 1e-12;
    if (!isSound || most > 1 + 1e-12) t.fail(`round ${round}: ${JSON.stringify(shares)}`);
  }
  t.equal(slowestReplica({ replicas: [] }), undefined, 'nobody to be slower than');
});
