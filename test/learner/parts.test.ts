/** What a Learner does beside whole fits: skipped optimizer steps, added callbacks, single validations. */
import t from 'tap';
import { MetricsCB } from '../../src/callbacks/metrics.js';
import { TrainCB } from '../../src/callbacks/train.js';
import '../../src/inference/validate.js';
import { Callback } from '../../src/learner/callback.js';
import { CancelFitException, CancelStepException } from '../../src/learner/cancel.js';
import { Learner } from '../../src/learner/learner.js';
import { FakeLoader, FakeRunner, fakeLoaders } from './fake-runner.js';

const fiveBatches = () => ({
  train: new FakeLoader([[0], [1], [0], [1], [0]]),
  valid: new FakeLoader([[0, 1, 1]]),
});

/** Skips every other optimizer step, and notes which batches had one. */
class EveryOther extends Callback {
  override readonly batchesPerStep = 2;
  readonly stepped: boolean[] = [];

  override afterBackward(learn: Learner): void {
    if (learn.iter % 2 === 0) throw new CancelStepException();
  }

  override afterBatch(learn: Learner): void {
    if (learn.training) this.stepped.push(learn.stepped);
  }
}

t.test('a cancelled step keeps the gradients, and the batch is finished all the same', async t => {
  const runner = new FakeRunner();
  const every = new EveryOther();
  const learn = new Learner(runner, fiveBatches(), { cbs: [new TrainCB(), every] });
  t.equal(learn.stepsPerEpoch, 3);
  await learn.fit(1, { valid: false });
  t.strictSame(every.stepped, [false, true, false, true, false]);
  t.equal(learn.globalStep, 2);
  t.equal(runner.calls.filter(call => call === 'backward').length, 5);
  t.equal(runner.calls.filter(call => call === 'zeroGrad(0)').length, 2);
});

t.test('startEpoch leaves out what counts as done', async t => {
  const learn = new Learner(new FakeRunner(), fakeLoaders(), { cbs: [new TrainCB()] });
  const epochs: number[] = [];
  class Note extends Callback {
    override afterEpoch({ epoch, training }: Learner): void {
      if (training) epochs.push(epoch);
    }
  }
  await learn.fit(4, { startEpoch: 2, cbs: [new Note()] });
  t.strictSame(epochs, [2, 3]);
  t.equal(learn.nEpochs, 4);
  await t.rejects(learn.fit(2, { startEpoch: 3 }), { code: 'E_CONFIG', message: /startEpoch/ });
});

t.test('callbacks come, are found, and go', async t => {
  const learn = new Learner(new FakeRunner(), fakeLoaders(), { cbs: [new TrainCB()] });
  const every = new EveryOther();
  learn.add(every);
  t.equal(learn.find(EveryOther), every);
  learn.remove(EveryOther);
  t.equal(learn.find(EveryOther), undefined);
  await learn.withCbs([every], async () => t.equal(learn.cbs.length, 2));
  await t.rejects(
    learn.withCbs([every], async () => {
      throw new Error('inside');
    }),
    { message: 'inside' },
  );
  t.equal(learn.cbs.length, 1);
  t.throws(() => learn.add({ beforeBatches() {} } as unknown as Callback), { code: 'E_CALLBACK' });
});

t.test('stop ends the fit and says why', async t => {
  class Enough extends Callback {
    override afterBatch(learn: Learner): void {
      learn.stop('enough');
    }
  }
  const learn = new Learner(new FakeRunner(), fakeLoaders(), { cbs: [new TrainCB()] });
  await learn.fit(1, { cbs: [new Enough()] });
  t.equal(learn.stopReason, 'enough');
  t.equal(learn.globalStep, 1);
  await learn.fit(1);
  t.equal(learn.stopReason, undefined);
});

t.test('validate measures, and leaves the course of the fit alone', async t => {
  const runner = new FakeRunner(batch => ({ meanLoss: batch.size }));
  const seen: string[] = [];
  class Course extends Callback {
    override readonly fitOnly = true;
    override afterEpoch(): void {
      seen.push('course');
    }
  }
  const metrics = new MetricsCB();
  const learn = new Learner(runner, fakeLoaders(), { cbs: [new TrainCB(), metrics, new Course()] });
  const row = await learn.validate();
  t.match(row, { phase: 'valid', loss: 3, samples: 3 });
  t.strictSame(
    [metrics.history.length, runner.specs.length, seen.length],
    [0, 0, 0],
    'no row, optimizer or event',
  );
  const other = await learn.validate({ loader: new FakeLoader([[0], [1, 1]]) });
  t.equal(other.loss, (1 * 1 + 2 * 2) / 3);
  await learn.fit(1);
  t.equal(seen.length, 2);
  t.equal(metrics.history.length, 2);
  class Cancels extends Callback {
    override beforeBatch(): void {
      throw new CancelFitException();
    }
  }
  await t.rejects(learn.validate({ cbs: [new Cancels()] }), { code: 'E_LEARNER' });
});
