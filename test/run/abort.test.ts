/** Runs that are ended at awkward moments: after the step or at once, and in either case nothing is left. */
import { getEventListeners } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { DataLoaders } from '../../src/data/data-loaders.js';
import { openData } from '../../src/data/open-dataset.js';
import { Callback } from '../../src/learner/callback.js';
import type { Learner } from '../../src/learner/learner.js';
import { startRun } from '../../src/run/run-handle.js';
import type { TrainSummary } from '../../src/run/summary.js';
import { makeCoordinator } from '../fixtures/coordinators.js';
import { ThreadWatch, tinyRun } from './tiny-run.js';

type End = () => void;

/** When to end a run: a callback of it that does so, or the start of its first thread. */
const moments: Readonly<Record<string, (end: End) => Callback | undefined>> = {
  'data opening': () => undefined,
  'replica start': () => undefined,
  step: end =>
    new (class extends Callback {
      override afterLoss(): void {
        end();
      }
    })(),
  validation: end =>
    new (class extends Callback {
      override beforeBatch({ training }: Learner): void {
        if (!training) end();
      }
    })(),
  'checkpoint saving': end =>
    new (class extends Callback {
      override saveState(): undefined {
        end();
      }
    })(),
  closing: end =>
    new (class extends Callback {
      override cleanupFit(): void {
        end();
      }
    })(),
};

/** Ends a run at a moment by a signal of the caller's. */
async function endAt(
  t: Test,
  moment: string,
  kind: 'signal' | 'abortSignal',
): Promise<PromiseSettledResult<TrainSummary>> {
  const controller = new AbortController();
  const end = (): void => controller.abort('enough');
  const callback = moments[moment](end);
  const threads = new ThreadWatch(moment === 'replica start' ? end : undefined);
  const out = join(t.testdirName, `${moment} ${kind}`);
  const run = startRun(tinyRun(out, { epochs: 2, verify: 'off' }), {
    callbacks: callback ? [callback] : [],
    [kind]: controller.signal,
  });
  if (moment === 'data opening') end();
  const [result] = await Promise.allSettled([run.result]);
  t.equal(threads.open, 0, `${moment}, ${kind}: no thread is left`);
  threads.close();
  t.strictSame(getEventListeners(controller.signal, 'abort'), [], 'nor anyone who listens to the signal');
  const saved = result.status === 'fulfilled';
  t.equal(existsSync(join(out, 'model.json')), saved, saved ? 'the model is saved' : 'no model is saved');
  return result;
}

t.test('ended after the step: what is there is saved, where there is something', async t => {
  t.testdir();
  for (const moment of ['data opening', 'replica start'])
    t.match(await endAt(t, moment, 'signal'), { reason: { code: 'E_ABORTED' } });
  for (const moment of ['step', 'validation', 'checkpoint saving'])
    t.match(await endAt(t, moment, 'signal'), { value: { stopped: true, stopReason: 'enough' } });
  t.match(
    await endAt(t, 'closing', 'signal'),
    { value: { stopped: false, epochs: 2 } },
    'too late to matter',
  );
});

t.test('ended at once: nothing more is saved', async t => {
  t.testdir();
  for (const moment of Object.keys(moments))
    t.match(await endAt(t, moment, 'abortSignal'), { reason: { code: 'E_ABORTED' } }, moment);
});

t.test('stop and close as often as one likes, in any order, during the start and after the end', async t => {
  const folder = t.testdir();
  const threads = new ThreadWatch();
  t.teardown(() => threads.close());
  const run = startRun(tinyRun(join(folder, 'run'), { epochs: 100 }));
  for await (const { type } of run.events) if (type === 'progress') break;
  const closing = [run.close(), run.close()];
  run.stop();
  await Promise.all(closing);
  t.equal(threads.open, 0);
  run.stop('late');
  await run.close();
  t.match(await run.result, { stopped: true, stopReason: 'closed' });
  const early = startRun(tinyRun(join(folder, 'early')));
  await early.close();
  t.equal(threads.open, 0);
  await t.rejects(early.result, { code: 'E_ABORTED' });
});

t.test('the parts by hand close as often as one likes, used or not', async t => {
  const data = await openData('sample');
  const threads = new ThreadWatch();
  t.teardown(() => threads.close());
  const used = DataLoaders.from(data, { numWorkers: 1 });
  const unused = DataLoaders.from(data, { numWorkers: 1 });
  for await (const { size } of used.train) {
    t.equal(size, 64);
    break;
  }
  const coordinator = makeCoordinator(1);
  const never = makeCoordinator(1);
  const refused = t.rejects(coordinator.open(), 'closed while it opened');
  const parts = [used, unused, used.train, unused.valid, coordinator, never];
  await Promise.all([...parts, ...parts].map(part => part.close()));
  await Promise.all(parts.map(part => part.close()));
  await refused;
  t.equal(threads.open, 0);
});
