/** When checkpoints are made, how many stay, and what becomes of those that a killed program has left. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { CheckpointCB, type CheckpointOptions } from '../../src/callbacks/checkpoint.js';
import { Callback } from '../../src/learner/callback.js';
import type { Learner } from '../../src/learner/learner.js';
import { makeRun, type RunOptions } from '../checkpoint/runs.js';

/** Steps of the checkpoints in a folder, ascending. */
const stepsIn = (folder: string): number[] =>
  readdirSync(folder)
    .filter(name => name.endsWith('.json'))
    .map(name => Number(/step-(\d+)/.exec(name)?.[1]))
    .sort((a, b) => a - b);

function runWith(t: Test, options: CheckpointOptions, run: RunOptions = {}) {
  const callback = new CheckpointCB(options);
  const parts = makeRun({
    replicas: 1,
    model: 'plain-recipe',
    ...run,
    cbs: [callback, ...(run.cbs ?? [])],
  });
  t.teardown(parts.close);
  return { callback, ...parts };
}

t.test('every N minutes of the clock, counted from the last save, whatever the steps', async t => {
  const folder = t.testdir();
  let minutes = 0;
  /** Every batch takes a minute. */
  class Time extends Callback {
    override afterBatch(learn: Learner): void {
      if (learn.training) minutes++;
    }
  }
  const saved: number[] = [];
  const onSave: CheckpointOptions['onSave'] = ({ globalStep }) => saved.push(globalStep);
  const { learner } = runWith(
    t,
    { folder, everyMinutes: 3, everyNEpochs: 0, keepLast: 9, onSave },
    { cbs: [new Time()], clock: () => minutes * 60_000 },
  );
  await learner.fit(2);
  t.same(saved, [3, 6, 8], 'and where the fit ends');
});

t.test('the newest three, the best beside them', async t => {
  const folder = t.testdir();
  const { learner, callback } = runWith(t, { folder, everyNSteps: 1, keepLast: 3, saveTopK: 1 });
  await learner.fit(3);
  const [best] = callback.best;
  t.same(
    stepsIn(folder).filter(step => step !== best.globalStep || step > 10),
    [11, 12, 12],
    'the last step, and the epoch that it ended',
  );
  t.equal(callback.last?.globalStep, 12);
  t.ok(stepsIn(folder).includes(best.globalStep));
});

t.test('a fit that goes on from an older one keeps the later ones until it has come as far', async t => {
  const folder = t.testdir();
  const first = runWith(t, { folder, everyNSteps: 2, everyNEpochs: 0, keepLast: 9 });
  await first.learner.fit(2);
  t.same(stepsIn(folder), [2, 4, 6, 8]);
  writeFileSync(join(folder, 'epoch-002-step-000007.safetensors'), 'its JSON was removed first');
  writeFileSync(join(folder, 'epoch-002-step-000007.json.tmp'), '{"form');
  writeFileSync(join(folder, 'mine.safetensors'), 'of another program');
  const controller = new AbortController();
  class StopAt extends Callback {
    override afterBatch(learn: Learner): void {
      if (learn.globalStep === 5) controller.abort();
    }
  }
  const options = { folder, everyNSteps: 1, everyNEpochs: 0, keepLast: 2 };
  const second = runWith(t, options, { signal: controller.signal, cbs: [new StopAt()] });
  await second.learner.fit(2, { resume: join(folder, 'epoch-001-step-000004') });
  t.same(stepsIn(folder), [4, 5, 6, 8], '2 is past, 6 and 8 are yet to be done again');
  const third = runWith(t, options);
  await third.learner.fit(2, { resume: folder });
  t.same(stepsIn(folder), [7, 8]);
  t.same(
    readdirSync(folder).filter(name => !name.startsWith('epoch-')),
    ['mine.safetensors'],
  );
  t.equal(readdirSync(folder).length, 5, 'and nothing half written');
});

t.test('options out of range', async t => {
  const folder = t.testdir();
  for (const options of [
    { keepLast: -1 },
    { keepLast: 1.5 },
    { everyMinutes: -1 },
    { everyMinutes: Number.NaN },
  ])
    t.throws(() => new CheckpointCB({ folder, ...options }), { code: 'E_CONFIG' });
});
