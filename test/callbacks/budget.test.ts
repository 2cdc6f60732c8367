/** A budget on real replicas, and across an interruption: the same bits as without one. */
import { join } from 'node:path';
import t from 'tap';
import { BudgetCB } from '../../src/callbacks/budget.js';
import { MetricsCB } from '../../src/callbacks/metrics.js';
import { makeRun, SaveAt } from '../checkpoint/runs.js';
import { weightsOf } from '../fixtures/coordinators.js';

t.test('a fit of limited epochs and steps, resumed at the end of a limited epoch and within one', async t => {
  const folder = t.testdir();
  const path = (step: number) => join(folder, `step-${step}`);
  // Of four batches an epoch three are trained; the eighth step is the second of the third epoch.
  const budget = () => new BudgetCB({ limitTrainBatches: 3, limitValidBatches: 0.5, maxSteps: 8 });
  const run = async (resume?: string) => {
    const parts = makeRun({ cbs: [budget(), ...(resume ? [] : [new SaveAt([3, 4], path)])] });
    t.teardown(parts.close);
    await parts.learner.fit(5, { resume });
    const { learner, coordinator } = parts;
    t.equal(learner.stopReason, 'maxSteps: 8 optimizer steps are done');
    t.equal(learner.globalStep, 8);
    const rows = learner.find(MetricsCB)!.history.map(({ epoch, phase, samples }) => [epoch, phase, samples]);
    const [first, ...others] = await coordinator.checksums();
    t.ok(others.every(checksum => checksum === first));
    return { rows, weights: Array.from(await weightsOf(coordinator)) };
  };
  const whole = await run();
  t.same(whole.rows, [
    [1, 'train', 90],
    [1, 'valid', 40],
    [2, 'train', 90],
    [2, 'valid', 40],
    [3, 'train', 60],
    [3, 'valid', 40],
  ]);
  for (const step of [3, 4]) {
    const { weights, rows } = await run(path(step));
    t.same(weights, whole.weights, `resumed after step ${step}`);
    t.same(rows.at(-1), whole.rows.at(-1));
  }
});
