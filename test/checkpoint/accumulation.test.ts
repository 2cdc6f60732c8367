/** A fit left in the middle of a group of batches, with an average of its weights, goes on bit for bit. */
import { join } from 'node:path';
import t from 'tap';
import { EmaCB } from '../../src/callbacks/ema.js';
import { GradientAccumulationCB } from '../../src/callbacks/gradient-accumulation.js';
import { GradientClipCB } from '../../src/callbacks/gradient-clip.js';
import { Callback } from '../../src/learner/callback.js';
import type { Learner } from '../../src/learner/learner.js';
import { makeRun } from './runs.js';

/** Four batches an epoch: groups of three and one. */
const parts = () => [
  new GradientAccumulationCB({ batches: 3 }),
  new GradientClipCB({ norm: 0.5 }),
  new EmaCB({ decay: 0.8 }),
];

t.test('the same weights, which are the average, and the same validation', async t => {
  const path = join(t.testdir(), 'mid-group');
  class SaveInGroup extends Callback {
    override order = 1000;
    saved = false;
    override async afterBatch(learn: Learner): Promise<void> {
      if (!learn.training || learn.epoch !== 1 || learn.iter !== 1) return;
      this.saved = !learn.stepped;
      await learn.save(path);
    }
  }
  const save = new SaveInGroup();
  const whole = makeRun({ cbs: [...parts(), save] });
  t.teardown(whole.close);
  await whole.learner.fit(3);
  t.ok(save.saved, 'between two optimizer steps');
  t.equal(whole.learner.globalStep, 6);

  const resumed = makeRun({ cbs: parts() });
  t.teardown(resumed.close);
  await resumed.learner.fit(3, { resume: path });
  t.equal(resumed.learner.globalStep, 6);
  t.strictSame(await resumed.coordinator.verifyReplicas(), await whole.coordinator.verifyReplicas());
  t.equal(resumed.learner.lastRow?.loss, whole.learner.lastRow?.loss);
});
