/** A run in a process of its own: the same results, and whatever becomes of the process, the host goes on. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { Callback } from '../../src/learner/callback.js';
import type { TrainOptions } from '../../src/run/config.js';
import { oneDeviceFewer } from '../../src/run/isolated/after-crash.js';
import { crashError } from '../../src/run/isolated/crash-error.js';
import type { RunEvent } from '../../src/run/run-events.js';
import { type Run, type RunContext, startRun } from '../../src/run/run-handle.js';
import type { CrashOptions } from '../fixtures/crashing-recipe.js';

const recipe = fileURLToPath(new URL('../fixtures/crashing-recipe.js', import.meta.url));

const settings = (options: CrashOptions = {}): TrainOptions => ({
  recipe,
  options: { ...options },
  engine: 'cpu',
  gpus: 2,
  workers: 1,
  batchSize: 16,
  limitBatches: 6,
  epochs: 2,
  lr: 0.001,
});

/** Starts it, and closes it when the test is over. */
function start(t: Test, options: TrainOptions, context: RunContext = { isolate: true }): Run {
  const run = startRun({ out: join(t.testdir(), 'run'), ...options }, context);
  t.teardown(() => run.close());
  return run;
}

async function eventsOf(run: Run): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of run.events) events.push(event);
  return events;
}

/** Once the file is there with something in it. */
async function written(path: string): Promise<void> {
  while (!existsSync(path) || readFileSync(path, 'utf8') === '') await delay(20);
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

async function goneWithin(pid: number, ms: number): Promise<boolean> {
  for (const end = Date.now() + ms; Date.now() < end; ) {
    if (!isAlive(pid)) return true;
    await delay(50);
  }
  return !isAlive(pid);
}

t.test('an isolated run does bit for bit what one in this process does', async t => {
  const here = start(t, settings(), {});
  const { replicaChecksums } = await here.result;
  const there = startRun(
    { ...settings({ fault: 'print', call: 3 }), out: join(t.testdirName, 'other') },
    { isolate: true, id: 'b' },
  );
  const events = await eventsOf(there);
  t.strictSame((await there.result).replicaChecksums, replicaChecksums);
  const types = events.map(({ type }) => type).filter(type => type !== 'progress');
  t.strictSame(types, ['start', 'output', 'epoch', 'checkpoint', 'epoch', 'checkpoint', 'end']);
  t.match(
    events.find(({ type }) => type === 'output'),
    { text: 'native words\n', replica: undefined, run: 'b' },
  );
  t.strictSame(
    events.map(({ seq }) => seq).sort((a, b) => a - b),
    events.map(({ seq }) => seq),
    'in order',
  );
  t.strictSame(await eventsOf(there), (await eventsOf(there)).slice(), 'whoever comes late reads the same');
});

t.test('a crash is an error of the run, with all that is known of it', async t => {
  const marker = join(t.testdir(), 'pid');
  const run = start(t, settings({ fault: 'SIGABRT', call: 8, marker }));
  await t.rejects(run.result, {
    name: 'IsolatedRunError',
    code: 'E_PROCESS',
    message: /ended by SIGABRT; it was last heard of in phase '(train|valid)' at step \d/,
    where: join(t.testdirName, 'run'),
  });
  t.match((await eventsOf(run)).at(-1), { type: 'failed', error: { code: 'E_PROCESS', message: /SIGABRT/ } });
  t.match(JSON.parse(readFileSync(join(t.testdirName, 'run', 'FAILED.json'), 'utf8')), { code: 'E_PROCESS' });
  t.notOk(isAlive(Number(readFileSync(marker, 'utf8'))));
});

t.test('by policy another process goes on, and nothing of the result changes', async t => {
  const folder = t.testdir();
  const undisturbed = await start(t, { ...settings(), out: join(folder, 'undisturbed') }, {}).result;
  const goesOn = async (call: number): Promise<void> => {
    const crash: CrashOptions = { fault: 'SIGABRT', call, marker: join(folder, `pid${call}`) };
    const out = join(folder, `call${call}`);
    const run = start(t, { ...settings(crash), out, checkpointSteps: 2, onReplicaFailure: 'restart' });
    const events = await eventsOf(run);
    const { replicaChecksums, epochs } = await run.result;
    t.strictSame([replicaChecksums, epochs], [undisturbed.replicaChecksums, 2], `crash at call ${call}`);
    const warnings = events.flatMap(event => (event.type === 'warning' ? [event.warning] : []));
    t.match(
      warnings.filter(({ code }) => code === 'W_PROCESS_RESTARTED'),
      [{ message: call < 0 ? /from its beginning \(restart 1 of 3\)/ : /from the newest checkpoint/ }],
    );
    t.ok(existsSync(crash.marker ?? ''), 'it did crash');
    t.notOk(existsSync(join(out, 'FAILED.json')));
  };
  // While it starts; when there is only the checkpoint of the start; later.
  await Promise.all([-1, 0, 8].map(goesOn));
});

t.test('a crash when all is saved takes nothing away', async t => {
  const options = {
    fault: 'abort',
    phase: 'close',
    replica: 0,
    step: 0,
    marker: join(t.testdir(), 'struck'),
  };
  const faulty = fileURLToPath(new URL('../fixtures/fault-recipe.js', import.meta.url));
  const run = start(t, { ...settings(), recipe: faulty, options, gpus: 1 });
  t.match(await run.result, { epochs: 2, stopped: false });
  t.match((await eventsOf(run)).slice(-2), [
    { type: 'warning', warning: { code: 'W_PROCESS_CRASHED', message: /SIGABRT.*all was done and saved/ } },
    { type: 'end' },
  ]);
  t.notOk(existsSync(join(t.testdirName, 'run', 'FAILED.json')));
});

t.test('shrink goes on with one device fewer; restarts are counted', async t => {
  const folder = t.testdir();
  const crash: CrashOptions = { fault: 'SIGKILL', call: 3, marker: join(folder, 'pid') };
  const run = start(t, { ...settings(crash), onReplicaFailure: 'shrink' });
  t.match(await run.result, { replicas: ['cpu:0'], epochs: 2 });
  const out = join(folder, 'again');
  const hopeless = start(t, {
    ...settings({ fault: 'SIGKILL' }),
    gpus: 1,
    out,
    onReplicaFailure: 'restart',
    maxRestarts: 1,
  });
  await t.rejects(hopeless.result, { code: 'E_PROCESS', message: /SIGKILL/, hint: /memory/ });
  const restarts = (await eventsOf(hopeless)).filter(event => event.type === 'warning');
  t.equal(restarts.length, 1);
});

t.test('stopped, it saves; closed in the middle of a step that never ends, it is gone', async t => {
  const folder = t.testdir();
  const stopped = start(t, { ...settings(), gpus: 1, epochs: 500 });
  for await (const { type } of stopped.events) if (type === 'epoch') break;
  stopped.stop('seen enough');
  t.match(await stopped.result, { stopped: true, stopReason: 'seen enough' });
  t.ok(existsSync(join(folder, 'run', 'model.json')));

  const marker = join(folder, 'pid');
  const hanging = start(
    t,
    { ...settings({ fault: 'hang', call: 2, marker }), gpus: 1, out: join(folder, 'hanging') },
    { isolate: true, closeGraceMs: 100 },
  );
  await written(marker);
  const since = performance.now();
  await Promise.all([hanging.close(), hanging.close()]);
  const seconds = (performance.now() - since) / 1000;
  t.ok(seconds < 8, `closed after ${seconds} s`);
  t.notOk(isAlive(Number(readFileSync(marker, 'utf8'))));
  await t.rejects(hanging.result, { code: 'E_ABORTED' });
});

t.test('errors of the run arrive as they are; what cannot cross is refused', async t => {
  await t.rejects(start(t, settings({ fault: 'throw', call: 1 })).result, {
    name: 'ReplicaError',
    code: 'E_REPLICA',
    replica: 0,
    cause: { name: 'RangeError', message: 'boom' },
  });
  await t.rejects(start(t, { epochs: 0 }).result, { code: 'E_CONFIG', where: 'epochs' });
  class Own extends Callback {}
  await t.rejects(start(t, settings(), { isolate: true, callbacks: [new Own()] }).result, {
    code: 'E_CONFIG',
    where: 'callbacks',
  });
  await t.rejects(start(t, { ...settings(), options: { f: () => {} } }).result, { code: 'E_CONFIG' });
});

t.test('a host that is killed leaves no process behind', async t => {
  const folder = t.testdir();
  const marker = join(folder, 'pid');
  const host = spawn(process.execPath, [
    fileURLToPath(new URL('./isolated-host.js', import.meta.url)),
    JSON.stringify({
      ...settings({ fault: 'print', call: 1, marker }),
      gpus: 1,
      epochs: 1000,
      out: join(folder, 'run'),
    }),
  ]);
  await written(marker);
  host.kill('SIGKILL');
  const pid = Number(readFileSync(marker, 'utf8'));
  t.ok(await goneWithin(pid, 8000));
  t.ok(existsSync(join(folder, 'run', 'model.json')), 'and it has saved');
});

t.test('what a crash is called, and which device goes', t => {
  const crash = { code: null, signal: null, lastWords: '' };
  const seen = { step: 0, phase: 'start' };
  t.match(crashError({ ...crash, code: 7, lastWords: 'last' }, seen), {
    message: 'the process of the run ended with exit code 7 before its first step',
    cause: { message: /last/ },
  });
  t.match(crashError({ ...crash, cause: new Error('EAGAIN') }, seen), {
    message: /cannot be started: EAGAIN/,
  });
  t.strictSame(
    [['3'], ['cpu:2'], ['0,2,5'], ['0,2'], ['all', ['cuda:0', 'cuda:1']], ['1'], ['2,'], ['all']].map(
      ([gpus, devices]) => oneDeviceFewer(gpus as string, devices as string[] | undefined),
    ),
    ['2', 'cpu:1', '0,2,', '0,', '1', undefined, undefined, undefined],
  );
  t.end();
});
