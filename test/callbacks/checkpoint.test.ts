/** Which checkpoints are kept, and what a fit that ended early leaves behind. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { CheckpointCB, type CheckpointOptions } from '../../src/callbacks/checkpoint.js';
import { listCheckpoints } from '../../src/checkpoint/read-files.js';
import { Callback } from '../../src/learner/callback.js';
import type { Learner } from '../../src/learner/learner.js';
import type { MetricsRow } from '../../src/learner/metrics-row.js';
import { makeRun, type RunOptions } from '../checkpoint/runs.js';
import { weightsOf } from '../fixtures/coordinators.js';

/** Writes these values over the validation loss of each epoch. */
class Losses extends Callback {
  override order = 5;
  readonly #values: readonly number[];
  constructor(...values: number[]) {
    super();
    this.#values = values;
  }
  override afterEpoch(learn: Learner): void {
    if (!learn.training)
      learn.lastRow = { ...(learn.lastRow as MetricsRow), loss: this.#values[learn.epoch] ?? Number.NaN };
  }
}

async function fitWith(
  t: Test,
  options: Omit<CheckpointOptions, 'folder'>,
  { epochs, losses, ...run }: RunOptions & { epochs: number; losses: readonly number[] },
) {
  const folder = join(t.testdir(), 'checkpoints');
  const callback = new CheckpointCB({ folder, ...options });
  const { cbs = [], ...rest } = run;
  const parts = makeRun({
    replicas: 1,
    model: 'plain-recipe',
    ...rest,
    cbs: [new Losses(...losses), callback, ...cbs],
  });
  t.teardown(parts.close);
  const failure = await parts.learner.fit(epochs).catch(error => error);
  const names = readdirSync(folder).filter(name => name.endsWith('.json'));
  return { folder, callback, names: names.map(name => name.replace('.json', '')).sort(), failure, ...parts };
}

t.test('the best two and the last; the earlier of two equal ones; NaN is never best', async t => {
  const { callback, names, folder } = await fitWith(
    t,
    { saveTopK: 2 },
    { epochs: 5, losses: [2, 1, 2, Number.NaN, 3] },
  );
  t.same(
    callback.best.map(({ value, position }) => [value, position.epoch]),
    [
      [1, 2],
      [2, 1],
    ],
  );
  t.same(names, [
    'epoch-001-step-000004-loss-2.000',
    'epoch-002-step-000008-loss-1.000',
    'epoch-005-step-000020-loss-3.000',
  ]);
  t.equal(callback.last?.globalStep, 20);
  t.equal(readdirSync(folder).length, 6, 'and nothing else');
});

t.test('only the best, of a column where higher is better, put back at the end', async t => {
  const seen: Float32Array[] = [];
  class Weights extends Callback {
    override async cleanupEpoch(learn: Learner): Promise<void> {
      if (!learn.training) seen.push((await learn.runner.getState()).parameters);
    }
  }
  const { callback, names, learner } = await fitWith(
    t,
    { keepLast: 0, restoreBest: true, monitor: 'loss', mode: 'max' },
    { epochs: 3, losses: [1, 5, 2], cbs: [new Weights()] },
  );
  t.same(names, ['epoch-002-step-000008-loss-5.000']);
  t.equal(callback.last, undefined);
  t.same((await learner.runner.getState()).parameters, seen[1]);
  t.notSame(seen[1], seen[2]);
});

t.test('steps too; and a fit that is stopped in the middle of an epoch leaves its last step', async t => {
  const controller = new AbortController();
  class StopAt extends Callback {
    override afterBatch(learn: Learner): void {
      if (learn.globalStep === 7) controller.abort();
    }
  }
  const { folder, callback } = await fitWith(
    t,
    { everyNSteps: 3, saveTopK: 9 },
    { epochs: 9, losses: [1, 1], signal: controller.signal, cbs: [new StopAt()] },
  );
  t.equal(callback.last?.globalStep, 7);
  t.same(callback.last?.position, { epoch: 1, phase: 'train', batch: 3 });
  t.same(
    (await listCheckpoints(folder)).map(({ info }) => info.globalStep),
    [4, 7],
    'the best so far and the last',
  );
  // And what was left is what goes on.
  const whole = makeRun({ replicas: 1, model: 'plain-recipe' });
  const rest = makeRun({
    replicas: 1,
    model: 'plain-recipe',
    cbs: [new CheckpointCB({ folder, saveTopK: 9 })],
  });
  t.teardown(whole.close);
  t.teardown(rest.close);
  await whole.learner.fit(9);
  writeFileSync(join(folder, 'torn.safetensors.tmp'), 'by a kill');
  await rest.learner.fit(9, { resume: folder });
  t.notOk(readdirSync(folder).some(name => name.endsWith('.tmp')));
  t.same(await weightsOf(rest.coordinator), await weightsOf(whole.coordinator));
  const resumed = rest.learner.find(CheckpointCB);
  t.equal(resumed?.best.length, 9, 'it knows the best of before');
});

t.test('a fit that is stopped in a validation goes on with that validation', async t => {
  const controller = new AbortController();
  class StopIn extends Callback {
    override beforeBatch(learn: Learner): void {
      if (!learn.training && learn.epoch === 1) controller.abort();
    }
  }
  const options = { epochs: 3, losses: [1, 1], signal: controller.signal, cbs: [new StopIn()] };
  const { folder, callback } = await fitWith(t, {}, options);
  t.same(callback.last?.position, { epoch: 1, phase: 'valid', batch: 0 });
  const phases: string[] = [];
  class Phases extends Callback {
    override beforeEpoch(learn: Learner): void {
      phases.push(`${learn.epoch} ${learn.training ? 'train' : 'valid'}`);
    }
  }
  const rest = makeRun({ replicas: 1, model: 'plain-recipe', cbs: [new Phases()] });
  t.teardown(rest.close);
  await rest.learner.fit(3, { resume: folder });
  t.same(phases, ['1 valid', '2 train', '2 valid']);
  t.equal(rest.learner.globalStep, 12);
});

t.test('after an error nothing is saved, unless that was asked for', async t => {
  class Fails extends Callback {
    override afterBatch(learn: Learner): void {
      if (learn.globalStep === 6) throw new Error('disk on fire');
    }
  }
  const options = { epochs: 3, losses: [1], cbs: [new Fails()] };
  const silent = await fitWith(t, {}, options);
  t.match(silent.failure, { message: 'disk on fire' });
  t.equal(silent.callback.last?.globalStep, 4);
  t.notOk(existsSync(join(silent.folder, 'exception')));
  const asked = await fitWith(t, { saveOnException: true }, options);
  t.match(asked.failure, { message: 'disk on fire' });
  t.same(readdirSync(join(asked.folder, 'exception')).sort(), ['step-6.json', 'step-6.safetensors']);
});

t.test("another run's folder, a column that is not there, options out of range", async t => {
  const { folder } = await fitWith(t, {}, { epochs: 1, losses: [1] });
  const other = makeRun({ replicas: 1, model: 'plain-recipe', cbs: [new CheckpointCB({ folder })] });
  t.teardown(other.close);
  await t.rejects(other.learner.fit(1), { code: 'E_CHECKPOINT', message: /another fit/ });
  const wrong = await fitWith(t, { monitor: 'f1' }, { epochs: 1, losses: [1] }).catch(error => error);
  t.match(wrong.failure ?? wrong, { code: /E_CALLBACK|ENOENT/ });
  t.throws(() => new CheckpointCB({ folder, saveTopK: -1 }), { code: 'E_CONFIG' });
  t.throws(() => new CheckpointCB({ folder: '' }), { code: 'E_CONFIG' });
});
