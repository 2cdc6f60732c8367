/** A fit that goes on from a checkpoint whose description was changed, with everything in it that keeps a state. */
import { strict as assert } from 'node:assert';
import { BatchSchedCB } from '../../../src/callbacks/batch-sched.js';
import { BudgetCB } from '../../../src/callbacks/budget.js';
import { EarlyStoppingCB } from '../../../src/callbacks/early-stopping.js';
import { EmaCB } from '../../../src/callbacks/ema.js';
import { EpochSchedCB } from '../../../src/callbacks/epoch-sched.js';
import { GradientAccumulationCB } from '../../../src/callbacks/gradient-accumulation.js';
import { MetricsCB } from '../../../src/callbacks/metrics.js';
import { RecorderCB } from '../../../src/callbacks/recorder.js';
import { TrainCB } from '../../../src/callbacks/train.js';
import { capture } from '../../../src/checkpoint/capture.js';
import { type CheckpointContent, parseInfo } from '../../../src/checkpoint/checkpoint.js';
import { Checkpoint } from '../../../src/checkpoint/restore.js';
import { Callback } from '../../../src/learner/callback.js';
import { Learner } from '../../../src/learner/learner.js';
import { adamW } from '../../../src/learner/optimizer.js';
import { ExponentialLR } from '../../../src/learner/schedules/exponential.js';
import { OneCycleLR } from '../../../src/learner/schedules/one-cycle.js';
import { FakeLoader, FakeRunner } from '../../learner/fake-runner.js';
import type { FuzzTarget, OpenTarget } from '../target.js';

/** A loader that can begin in the middle of an epoch. */
class ResumableLoader extends FakeLoader {
  epoch = 0;
  startBatch = 0;
}

/** A fit of two epochs of four batches, after which there is a moment for each parameter. */
function makeLearner(): { learn: Learner; runner: FakeRunner } {
  const runner = new FakeRunner();
  const { parameters } = runner.state;
  const spec = { kind: 'adamw' as const, groups: [[0, 1, 2, 3]] };
  const optimizer = { spec, steps: [4], buffers: { m: parameters.slice(), v: parameters.slice() } };
  runner.state = { ...runner.state, optimizer };
  const train = new ResumableLoader([[0, 1], [1, 0], [0, 0], [1]]);
  const valid = new ResumableLoader([[0, 1]]);
  const cbs = [
    new TrainCB(),
    new MetricsCB(),
    new BatchSchedCB((opt, totalSteps) => new OneCycleLR(opt, { maxLr: 0.1, totalSteps })),
    new EpochSchedCB(opt => new ExponentialLR(opt, { gamma: 0.9 })),
    new EarlyStoppingCB({ patience: 5 }),
    new BudgetCB({ maxSteps: 100 }),
    new GradientAccumulationCB({ batches: 2 }),
    new EmaCB({ decay: 0.9 }),
    new RecorderCB({ lr: cb => cb.pg.lr }),
  ];
  return { learn: new Learner(runner, { train, valid }, { cbs, optFunc: adamW() }), runner };
}

/** Captures the fit in the middle of an epoch, and between two. */
class CapturingCB extends Callback {
  override order = 2000;
  readonly captured: CheckpointContent[] = [];

  override async afterBatch(learn: Learner): Promise<void> {
    if (learn.globalStep === 1 && this.captured.length === 0) this.captured.push(await capture(learn));
  }

  override async afterEpoch(learn: Learner): Promise<void> {
    if (!learn.training && this.captured.length === 1) this.captured.push(await capture(learn));
  }
}

const restore: FuzzTarget = {
  name: 'checkpoint resumed',
  count: 5_000,
  async open(): Promise<OpenTarget> {
    const { learn } = makeLearner();
    const capturing = new CapturingCB();
    await learn.fit(2, { cbs: [capturing] });
    const [{ tensors }] = capturing.captured;
    const seeds = capturing.captured.map(({ info }) => {
      const bytes = Buffer.from(JSON.stringify(info));
      return { bytes, json: { start: 0, length: bytes.length } };
    });
    return {
      seeds,
      jsonOnly: true,
      async read(input) {
        const changed = parseInfo(JSON.parse(Buffer.from(input).toString()), 'fuzzed.json');
        const { learn, runner } = makeLearner();
        await learn.fit(2, { resume: new Checkpoint({ info: changed, tensors }, 'fuzzed') });
        assert.ok(learn.globalStep >= changed.globalStep);
        assert.ok(runner.calls.includes('setState'));
      },
    };
  },
};

export const restoreTargets: readonly FuzzTarget[] = [restore];
