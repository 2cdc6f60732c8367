/** gradring in somebody else's process: it leaves nothing of its own there, and runs do not know of each other. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import type { RunEvent } from '../../src/run/run-events.js';
import { startRun } from '../../src/run/run-handle.js';
import { train } from '../../src/run/train.js';
import { ThreadWatch, tinyRun } from './tiny-run.js';

/** All of the process that others could trip over. */
function processState(): Record<string, unknown> {
  return {
    listeners: process.eventNames().map(name => [String(name), process.listenerCount(name)]),
    environment: { ...process.env },
    globals: Reflect.ownKeys(globalThis).map(String),
    functions: [Math.random, console.log, console.error, process.stdout.write, process.exit, setTimeout],
    prepareStackTrace: Error.prepareStackTrace,
    folder: process.cwd(),
    exitCode: process.exitCode,
    umask: process.umask(),
  };
}

t.test('a run, and one that fails, leave the process as it was, and print nothing', async t => {
  // Node.js itself listens to `exit` as long as the main module is being evaluated.
  await new Promise(resolve => setImmediate(resolve));
  const folder = t.testdir();
  const before = processState();
  const written: unknown[] = [];
  const streams = t.capture(process.stdout, 'write', (text: unknown) => written.push(text) > 0);
  const errors = t.capture(process.stderr, 'write', (text: unknown) => written.push(text) > 0);
  const run = startRun(tinyRun(join(folder, 'good')));
  await run.result;
  await run.close();
  const bad = startRun(tinyRun(join(folder, 'bad'), { recipe: join(folder, 'none.mjs'), model: undefined }));
  await bad.close();
  streams.restore();
  errors.restore();
  t.strictSame(processState(), before);
  t.strictSame(written, []);
  await t.rejects(bad.result, { code: 'E_RECIPE' });
});

t.test('events of a run, and of one that never began', async t => {
  const folder = t.testdir();
  const run = startRun(tinyRun(join(folder, 'run'), { epochs: 2 }), { id: 'mine' });
  const events: RunEvent[] = [];
  for await (const event of run.events) events.push(event);
  const told = events.filter(({ type }) => type !== 'progress');
  t.strictSame(
    told.map(({ type }) => type),
    ['start', 'epoch', 'checkpoint', 'epoch', 'checkpoint', 'end'],
  );
  t.strictSame([...new Set(events.map(event => event.run))], ['mine']);
  t.match(told.at(-1), { summary: await run.result });
  t.match(
    events.find(({ type }) => type === 'progress'),
    { epoch: 1, batches: 3, phase: 'train' },
  );
  t.strictSame(JSON.parse(JSON.stringify(told[1])), told[1], 'plain JSON');

  const out = join(folder, 'early');
  for (const promise of [
    startRun(tinyRun(out), { signal: AbortSignal.abort('too late') }).result,
    train(tinyRun(out), { signal: AbortSignal.abort('too late') }),
    train(tinyRun(out), { abortSignal: AbortSignal.abort('too late') }),
  ])
    await t.rejects(promise, { code: 'E_ABORTED', cause: 'too late' });
  t.notOk(existsSync(out), 'nothing was begun');
});

t.test('two runs at once come to what each comes to by itself', async t => {
  const folder = t.testdir();
  const one = (name: string) => train(tinyRun(join(folder, name), { seed: 1 }));
  const other = (name: string) =>
    train(
      tinyRun(join(folder, name), { seed: 2, model: 'cnn', imageSize: [8, 8], optimizer: 'sgd', gpus: 1 }),
    );
  const alone = [await one('a'), await other('b')];
  const together = await Promise.all([one('c'), other('d')]);
  t.strictSame(
    together.map(({ replicaChecksums }) => replicaChecksums),
    alone.map(({ replicaChecksums }) => replicaChecksums),
  );
  t.not(alone[0].replicaChecksums[0], alone[1].replicaChecksums[0]);
});

t.test('one run after another: threads, handles and memory stay', async t => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const folder = t.testdir();
  const threads = new ThreadWatch();
  t.teardown(() => threads.close());
  const heaps: number[] = [];
  const handles: string[] = [];
  for (let i = 0; i < 6; i++) {
    const run = startRun(tinyRun(join(folder, String(i)), { workers: 1 }));
    if (i % 2 === 1) for await (const { type } of run.events) if (type === 'start') break;
    if (i % 2 === 1) run.stop();
    await run.result;
    await run.close();
    t.equal(threads.open, 0);
    collect();
    heaps.push(process.memoryUsage().heapUsed);
    handles.push(process.getActiveResourcesInfo().sort().join());
  }
  t.strictSame(handles.slice(1), handles.slice(0, -1));
  const growth = heaps[5] - heaps[1];
  t.ok(growth < 1e6, `the heap grew by ${Math.round(growth / 1e3)} kB in four runs`);
});
