import t from 'tap';
import { MetricsCB } from '../../src/callbacks/metrics.js';
import { SingleBatchCB } from '../../src/callbacks/single-batch.js';
import { TrainCB } from '../../src/callbacks/train.js';
import '../../src/inspect/show-training-loop.js';
import { Learner } from '../../src/learner/learner.js';
import { FakeLoader, FakeRunner } from '../learner/fake-runner.js';
import { heardEvents, RecordingTrainCB, recorder } from '../learner/recorder.js';

/** One batch a phase: then what happens is what is shown. */
const loaders = () => ({ train: new FakeLoader([[0, 1]]), valid: new FakeLoader([[0, 1]]) });

t.test('what is shown is what happens', async t => {
  const log: string[] = [];
  // The recorder is listed last but comes first: one of each, so that every event has its place.
  const early = recorder(log, heardEvents);
  early.order = -1;
  const learn = new Learner(new FakeRunner(), loaders(), { cbs: [new RecordingTrainCB(log), early] });
  const shown = [...learn.showTrainingLoop().matchAll(/^ *([-*]) (\w+) +: .+$/gm)].map(
    ([, mark, event]) => `${mark === '*' ? '*' : ''}${event}`,
  );
  await learn.fit(1);
  t.same(shown, log);
});

t.test('callbacks in the order in which they are called, fit-time ones too', async t => {
  class MomentumLearner extends Learner {
    override async zeroGrad(): Promise<void> {
      await this.runner.zeroGrad(0.85);
    }
  }
  class LateCB extends MetricsCB {}
  const cbs = [new SingleBatchCB(), new TrainCB(), new MetricsCB()];
  const learn = new MomentumLearner(new FakeRunner(), loaders(), { cbs });
  t.equal(
    learn.showTrainingLoop({ cbs: [new LateCB()], valid: false }),
    `start fit
  - beforeFit     : MetricsCB, LateCB
  start epoch loop
    start train
      - beforeEpoch   : MetricsCB, LateCB
      start batch loop
        - beforeBatch   : MetricsCB, LateCB
          * predict       : TrainCB
          - afterPredict  : –
          * getLoss       : TrainCB
          - afterLoss     : –
          * backward      : TrainCB
          - afterBackward : –
          * step          : TrainCB
          - afterStep     : –
          * zeroGrad      : MomentumLearner itself
        - afterBatch    : MetricsCB, LateCB, SingleBatchCB
        - cleanupBatch  : –
      end batch loop
      - afterEpoch    : MetricsCB, LateCB
      - cleanupEpoch  : –
    end train
  end epoch loop
  - afterFit      : –
  - cleanupFit    : –
end fit
The steps go to the replicas one by one.`,
  );
  t.match(
    new Learner(new FakeRunner(), loaders(), { cbs }).showTrainingLoop(),
    /backward[\s\S]*start valid(?![\s\S]*backward)[\s\S]*as one message/,
  );
  t.equal(learn.cbs.length, 3, 'nothing was added for good');
});
