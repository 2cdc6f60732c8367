/** `--isolate` as people use it: a crash is told and survived, and Ctrl-C is for the command to act on. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { packageRoot } from '../../src/package-root.js';
import type { CrashOptions } from '../fixtures/crashing-recipe.js';
import { trainCommand } from './command.js';

const recipe = fileURLToPath(new URL('../fixtures/crashing-recipe.js', import.meta.url));

const args = (out: string, options: CrashOptions, ...more: string[]): string[] => [
  ...['--isolate', '--engine', 'cpu', '--gpus', '1', '--batch-size', '16', '--limit-batches', '6'],
  ...['--recipe', recipe, '--options', JSON.stringify(options), '--out', out, ...more],
];

t.test('a crash: another process goes on, or the command ends with 1', async t => {
  const folder = t.testdir();
  const crash: CrashOptions = { fault: 'SIGSEGV', call: 2, marker: join(folder, 'pid') };
  const policy = ['--on-replica-failure', 'restart'];
  const survived = await trainCommand(args(join(folder, 'a'), crash, '--epochs', '1', ...policy));
  t.equal(survived.code, 0, survived.stderr);
  t.match(survived.stderr, /⚠ .* was ended by SIGSEGV.*restart 1 of 3\)\n {2}→ /);
  t.match(survived.stderr, /resume {3}\S+epoch-000-step-000000: epoch 1/);
  t.match(survived.stderr, /\n {4}1 +\d\.\d{4} +\d\.\d{4} +\d+\.\d %/, 'a row for the epoch');
  t.ok(existsSync(join(folder, 'a', 'model.json')));
  const ended = await trainCommand(
    args(join(folder, 'b'), { ...crash, marker: undefined }, '--log', 'quiet'),
  );
  t.equal(ended.code, 1);
  t.match(ended.stderr, /^✖ E_PROCESS .*SIGSEGV.*\n {2}from .*b\n/);
});

t.test('Ctrl-C, which reaches both processes, ends the run after its step', async t => {
  const out = join(t.testdir(), 'run');
  const command = spawn(
    process.execPath,
    [join(packageRoot(), 'scripts', 'train.js'), ...args(out, {}, '--epochs', '1000', '--log', 'json')],
    { detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  t.teardown(() => command.kill('SIGKILL'));
  const closed = once(command, 'close');
  // The first epoch is over.
  await once(command.stdout, 'data');
  process.kill(-(command.pid ?? Number.NaN), 'SIGINT');
  const [code] = await closed;
  t.equal(code, 130);
  t.ok(existsSync(join(out, 'model.json')));
});
