/** Early stopping on real replicas: all of them get the best weights back. */
import t from 'tap';
import { EarlyStoppingCB } from '../../src/callbacks/early-stopping.js';
import { MetricsCB } from '../../src/callbacks/metrics.js';
import { TrainCB } from '../../src/callbacks/train.js';
import { Learner } from '../../src/learner/learner.js';
import { batchOf, syntheticRing } from '../fixtures/batches.js';
import { makeCoordinator } from '../fixtures/coordinators.js';
import { recorder } from '../learner/recorder.js';

t.test('two replicas stop together and end with the weights of the best epoch', async t => {
  const coordinator = makeCoordinator(2);
  t.teardown(() => coordinator.close());
  const ring = syntheticRing(9);
  const loader = {
    length: 1,
    async *[Symbol.asyncIterator]() {
      yield batchOf(ring, 9);
    },
  };
  const checksums: string[] = [];
  const metrics = new MetricsCB();
  // From the third epoch on every step makes things worse: the rate is negative.
  const spoiling = recorder([], ['beforeEpoch'], {
    beforeEpoch: ({ epoch, opt }) => {
      opt.paramGroups[0].lr = epoch < 2 ? 1e-6 : 1e-4;
    },
  });
  spoiling.afterEpoch = async learn => {
    if (!learn.training) checksums.push((await coordinator.checksums())[0]);
  };
  class Climbing extends TrainCB {
    override async step(learn: Learner): Promise<void> {
      const groups = learn.opt
        .settings()
        .map(group => ({ ...group, lr: learn.epoch < 2 ? group.lr : -group.lr }));
      await learn.runner.step(groups);
    }
  }
  const stopping = new EarlyStoppingCB({ patience: 2, restoreBest: true });
  const learn = new Learner(
    coordinator,
    { train: loader, valid: loader },
    {
      cbs: [new Climbing(), metrics, spoiling, stopping],
    },
  );
  await learn.fit(9);
  t.equal(checksums.length, 4);
  t.equal(stopping.best?.epoch, 2);
  const after = await coordinator.checksums();
  t.same(after, [checksums[1], checksums[1]]);
  t.not(checksums[3], checksums[1]);
});
