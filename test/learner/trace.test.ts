import t from 'tap';
import { TrainCB } from '../../src/callbacks/train.js';
import { betweenStepEvents } from '../../src/learner/events.js';
import { Learner } from '../../src/learner/learner.js';
import { FakeRunner, fakeLoaders } from './fake-runner.js';
import { heardEvents, RecordingTrainCB, recorder } from './recorder.js';

const trainBatch = `beforeBatch *predict afterPredict *getLoss afterLoss
  *backward afterBackward *step afterStep *zeroGrad afterBatch cleanupBatch`;
const validBatch = 'beforeBatch *predict afterPredict *getLoss afterLoss afterBatch cleanupBatch';
/** The lessons' trace: one epoch, two train batches, one valid batch. */
const expected = `beforeFit
  beforeEpoch ${trainBatch} ${trainBatch} afterEpoch cleanupEpoch
  beforeEpoch ${validBatch} afterEpoch cleanupEpoch
  afterFit cleanupFit`.split(/\s+/);

t.test('the trace of one epoch, step by step', async t => {
  const log: string[] = [];
  const runner = new FakeRunner();
  const learn = new Learner(runner, fakeLoaders(), { cbs: [recorder(log), new RecordingTrainCB(log)] });
  await learn.fit(1);
  t.same(log, expected);
  t.same(runner.calls, [
    ...['predict', 'getLoss', 'backward', 'step', 'zeroGrad(0)'],
    ...['predict', 'getLoss', 'backward', 'step', 'zeroGrad(0)'],
    ...['predict', 'getLoss'],
  ]);
});

t.test('the stock set-up runs fused, and nobody can tell', async t => {
  const heard = heardEvents.filter(event => !(betweenStepEvents as readonly string[]).includes(event));
  const see = async (train: (log: string[]) => TrainCB) => {
    const log: string[] = [];
    const seen: unknown[] = [];
    const runner = new FakeRunner(({ index }) => ({
      meanLoss: index + 0.5,
      metrics: { m: { sum: 1, count: 2 } },
    }));
    const noting = recorder(log, heard, {
      afterBatch: ({ loss, result, iter, globalStep, preds }) =>
        seen.push({ loss, iter, globalStep, preds, sums: [result?.loss, result?.metrics] }),
    });
    const learn = new Learner(runner, fakeLoaders(), { cbs: [train([]), noting] });
    await learn.fit(2);
    return { log, seen, calls: runner.calls, stepped: runner.stepped };
  };
  const fused = await see(() => new TrainCB());
  const parts = await see(log => new RecordingTrainCB(log));
  t.same(fused.calls, ['trainBatch', 'trainBatch', 'validBatch', 'trainBatch', 'trainBatch', 'validBatch']);
  t.equal(parts.calls[0], 'predict');
  t.same(fused.log, parts.log);
  t.same(fused.seen, parts.seen);
  t.same(fused.stepped, parts.stepped);
});

t.test('one listener between the steps, or one overridden step, ends the fusing', async t => {
  for (const event of [...betweenStepEvents, 'zeroGrad'] as const) {
    const runner = new FakeRunner();
    const learn = new Learner(runner, fakeLoaders(), { cbs: [new TrainCB(), recorder([], [event])] });
    await learn.fit(1);
    t.notOk(runner.calls.includes('trainBatch'), event);
    t.ok(runner.calls.includes('backward'));
  }
  class MomentumLearner extends Learner {
    override async zeroGrad(): Promise<void> {
      await this.runner.zeroGrad(0.85);
    }
  }
  const runner = new FakeRunner();
  await new MomentumLearner(runner, fakeLoaders(), { cbs: [new TrainCB()] }).fit(1);
  t.equal(runner.calls[4], 'zeroGrad(0.85)');
  t.notOk(runner.calls.includes('zeroGrad(0)'), 'the class wins over the callback');
});

t.test('fused is chosen anew in each phase', async t => {
  const runner = new FakeRunner();
  const listener = recorder([], ['afterLoss']);
  const adding = recorder([], ['afterEpoch'], {
    afterEpoch: learn => {
      if (learn.training) learn.cbs.push(listener);
    },
  });
  await new Learner(runner, fakeLoaders(), { cbs: [new TrainCB(), adding] }).fit(1);
  t.same(runner.calls, ['trainBatch', 'trainBatch', 'predict', 'getLoss']);
});

t.test('a subclass that does all the steps needs no TrainCB', async t => {
  class TrainLearner extends Learner {
    override async predict() {
      await this.runner.predict(this.batch, { training: this.training });
    }
    override async getLoss() {
      this.accept(await this.runner.getLoss());
    }
    override async backward() {
      await this.runner.backward();
    }
    override async step() {
      await this.runner.step(this.opt.settings());
    }
    override async zeroGrad() {
      await this.runner.zeroGrad();
    }
  }
  const log: string[] = [];
  const learn = new TrainLearner(new FakeRunner(), fakeLoaders(), { cbs: [recorder(log)] });
  await learn.fit(1);
  t.same(
    log,
    expected.filter(event => !event.startsWith('*')),
  );
  await t.rejects(learn.fit(1, { cbs: [new TrainCB()] }), { code: 'E_LEARNER', message: /never be called/ });
});
