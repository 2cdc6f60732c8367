/** A fit that was left and taken up again comes to what it would have come to, bit for bit. */
import { join } from 'node:path';
import t from 'tap';
import { BatchSchedCB } from '../../src/callbacks/batch-sched.js';
import { EmaCB } from '../../src/callbacks/ema.js';
import { GradientAccumulationCB } from '../../src/callbacks/gradient-accumulation.js';
import { Callback } from '../../src/learner/callback.js';
import type { Learner } from '../../src/learner/learner.js';
import { sgd } from '../../src/learner/optimizer.js';
import { weightsOf } from '../fixtures/coordinators.js';
import { makeRun, SaveAt } from './runs.js';

const epochs = 3;
const folder = t.testdir();
const at = (step: number): string => join(folder, `step-${step}`);

/** What the undisturbed run comes to; it leaves checkpoints on its way. */
const undisturbed = (async () => {
  const run = makeRun({ cbs: [new SaveAt([3, 4, 6, 11], at)] });
  await run.learner.fit(epochs);
  const result = {
    checksum: (await run.coordinator.verifyReplicas())[0],
    weights: await weightsOf(run.coordinator),
    rows: run.learner.metrics && run.learner.lastRow,
  };
  await run.close();
  return result;
})();

for (const step of [3, 4, 6, 11]) {
  t.test(`${step} steps, a new program, and the rest: the same bits`, async t => {
    const expected = await undisturbed;
    const run = makeRun();
    t.teardown(run.close);
    const served: number[] = [];
    const batches = new (class extends Callback {
      override beforeBatch({ training, batch }: { training: boolean; batch: { index: number } }): void {
        if (training) served.push(batch.index);
      }
    })();
    await run.learner.fit(epochs, { resume: at(step), cbs: [batches] });
    t.equal(run.learner.globalStep, 12);
    t.same(served, [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3].slice(step), 'only the batches that were left');
    t.equal((await run.coordinator.verifyReplicas())[0], expected.checksum);
    t.equal(run.learner.lastRow?.loss, expected.rows?.loss, 'validation too');
  });
}

t.test('in the middle of a group of accumulated batches, with an average of the weights', async t => {
  const cbs = () => [new GradientAccumulationCB({ batches: 3 }), new EmaCB({ decay: 0.8 })];
  const path = join(folder, 'accumulated');
  const whole = makeRun({ cbs: [...cbs(), new SaveAt([6], () => path)] });
  t.teardown(whole.close);
  await whole.learner.fit(epochs);
  const rest = makeRun({ cbs: cbs() });
  t.teardown(rest.close);
  const { info, globalStep } = await rest.learner.readCheckpoint(path);
  t.match({ ...info, globalStep }, { gradients: true, average: true, globalStep: 2, position: { batch: 2 } });
  await rest.learner.fit(epochs, { resume: path });
  t.equal(rest.learner.globalStep, whole.learner.globalStep);
  t.same(await rest.coordinator.verifyReplicas(), await whole.coordinator.verifyReplicas());
});

/** What each training batch was made of: its rows, what the model saw of them once augmented, and its loss. */
class Course extends Callback {
  override order = 500;
  readonly rows: number[][] = [];
  readonly inputs: Float32Array[] = [];
  readonly losses: number[] = [];

  override async beforeBatch({ training, batch, runner }: Learner): Promise<void> {
    if (!training) return;
    this.rows.push([...batch.indices]);
    this.inputs.push((await runner.inputs(batch, { training })).data.slice());
  }

  override afterBatch({ training, loss }: Learner): void {
    if (training) this.losses.push(loss);
  }
}

for (const [before, after] of [
  [1, 3],
  [3, 2],
]) {
  t.test(
    `${before} replicas, then ${after}: the same data, drawn alike; the same numbers but for rounding`,
    async t => {
      // Dropout and batch norm are by replica: a model without.
      const path = join(folder, `of-${before}`);
      const settings = { model: 'plain-recipe', perItem: true } as const;
      const all = new Course();
      const whole = makeRun({ ...settings, replicas: before, cbs: [new SaveAt([6], () => path), all] });
      t.teardown(whole.close);
      await whole.learner.fit(epochs);
      const course = new Course();
      const run = makeRun({ ...settings, replicas: after, cbs: [course] });
      t.teardown(run.close);
      await run.learner.fit(epochs, { resume: path });
      t.same(course.rows, all.rows.slice(6), 'the same batches, in the same order');
      t.same(course.inputs, all.inputs.slice(6), 'every bit of the augmented images');
      const apart = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
        Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
      t.ok(apart(course.losses, all.losses.slice(6)) < 1e-5, 'losses');
      t.ok(apart(await weightsOf(whole.coordinator), await weightsOf(run.coordinator)) < 1e-4, 'weights');
    },
  );
}

t.test('the rate of a resumed schedule is the one it would have been', async t => {
  const rates = (path?: string) => {
    const seen: number[] = [];
    const recorder = new (class extends Callback {
      override beforeBatch(learn: { training: boolean; opt: { paramGroups: { lr: number }[] } }): void {
        if (learn.training) seen.push(learn.opt.paramGroups[0].lr);
      }
    })();
    const run = makeRun({ replicas: 1 });
    t.teardown(run.close);
    return run.learner.fit(epochs, { resume: path, cbs: [recorder] }).then(() => seen);
  };
  await undisturbed;
  const [all, rest] = await Promise.all([rates(), rates(at(6))]);
  t.same(rest, all.slice(6));
  t.equal(new Set(all).size, 12, 'every step has its own');
});

t.test('what cannot be resumed is refused, and nothing has changed', async t => {
  await undisturbed;
  const run = makeRun({ optFunc: sgd({ momentum: 0.9 }) });
  t.teardown(run.close);
  await run.coordinator.open();
  const [before] = await run.coordinator.checksums();
  await t.rejects(run.learner.fit(epochs, { resume: at(6) }), {
    code: 'E_CHECKPOINT',
    message: /optimizer adamw, this fit uses sgd/,
  });
  const other = makeRun({ model: 'plain-recipe' });
  t.teardown(other.close);
  await t.rejects(other.learner.fit(epochs, { resume: at(6) }), {
    code: 'E_CHECKPOINT',
    message: /another model.*not in the model/,
  });
  await t.rejects(run.learner.fit(0, { resume: at(6) }), { code: 'E_CONFIG', message: /startEpoch|epoch/ });
  t.equal((await run.coordinator.checksums())[0], before);
});

t.test('a setting that the fit was given anew is used, others are those of the checkpoint', async t => {
  await undisturbed;
  const run = makeRun({ replicas: 1 });
  t.teardown(run.close);
  run.learner.remove(BatchSchedCB);
  const seen: unknown[] = [];
  const recorder = new (class extends Callback {
    override beforeBatch(learn: {
      opt: { paramGroups: { lr: number; weightDecay?: number; betas?: unknown }[] };
    }): void {
      const [{ lr, weightDecay, betas }] = learn.opt.paramGroups;
      seen.push({ lr, weightDecay, betas });
    }
  })();
  await run.learner.fit(epochs, { resume: at(11), lr: 0.5, cbs: [recorder], valid: false });
  const cycle = makeRun({ replicas: 1 });
  t.teardown(cycle.close);
  await cycle.learner.runner.open();
  const { info } = await cycle.learner.readCheckpoint(at(11));
  const saved = info.optimizer?.groups[0].settings;
  t.same(seen, [{ lr: 0.5, weightDecay: 0.01, betas: saved?.betas }]);
  t.not(JSON.stringify(saved?.betas), '[0.9,0.999]', 'the cycle had changed them');
});
