/** The program: what it refuses to start with, how it ends, and what is left of runs when it is killed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { exitOf, listening, spawnService, statusOf, waitFor } from './program.js';
import { ask } from './service.js';

const settings = {
  ...{ model: 'mlp', engine: 'wasm', gpus: 'cpu:2', workers: 0 },
  ...{ batchSize: 250, limitBatches: 4, epochs: 1000 },
};

// Programs are started, on a busy machine.
t.setTimeout(240_000);
t.jobs = 2;

t.test('it listens to the world only with a token', async t => {
  const root = t.testdir();
  const short = join(root, 'token');
  writeFileSync(short, 'secret\n');
  const refused: [string[], RegExp][] = [
    [['--host', '0.0.0.0'], /there is no token/],
    [['--host', '::'], /there is no token/],
    [['--host', '192.168.0.1'], /there is no token/],
    [['--token-file', short], /at least 16 characters/],
    [['--port', 'http'], /--port/],
    [['--tokenfile', short], /--tokenfile/],
  ];
  const outcomes = refused.map(async ([flags, told]) => {
    const child = spawnService(['--root', join(root, 'runs'), '--port', '0', ...flags]);
    const [code, stderr] = await Promise.all([exitOf(child), text(child.stderr!)]);
    t.equal(code, 2, flags.join(' '));
    t.match(stderr, told);
  });
  await Promise.all(outcomes);
});

const ends = [
  { signal: 'SIGTERM', more: [], exit: 0, state: 'stopped' },
  // Without a process of its own a run ends where the service does.
  { signal: 'SIGKILL', more: ['--in-process'], exit: 'SIGKILL', state: 'interrupted' },
] as const;

for (const { signal, more, exit, state } of ends)
  t.test(
    `after ${signal} runs are ${state}, and can be resumed`,
    { timeout: 120_000, buffered: true },
    async t => {
      const flags = ['--root', join(t.testdir(), 'runs'), '--port', '0'];
      const child = spawnService([...flags, ...more]);
      t.teardown(() => child.kill('SIGKILL'));
      const port = await listening(child);
      await ask({ port, method: 'POST', path: '/runs', body: settings });
      const watching = ask({ port, path: '/runs/1/events' }).catch(() => undefined);
      await waitFor('checkpoint', { port, path: '/runs/1/events' });
      child.kill(signal);
      t.equal(await exitOf(child), exit);
      const watched = await watching;
      if (signal === 'SIGTERM')
        t.match(watched?.text, /event: end\n.*"stopped":true/s, 'watchers are told of it');

      const next = spawnService(flags);
      t.teardown(() => next.kill('SIGKILL'));
      t.match(await statusOf(await listening(next)), { state, resumable: true, epoch: { epoch: Number } });
      next.kill('SIGTERM');
      t.equal(await exitOf(next), 0, 'with nothing to do it ends at once');
    },
  );
