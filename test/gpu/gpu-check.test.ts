/** The GPU check itself, in a small form on the processor; the checks of GPUs need one. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { engineFactories } from '../../src/engine/registry.js';
import { packageRoot } from '../../src/package-root.js';
import { runCheck } from './run-check.js';

const { ok: isBuilt } = await engineFactories.torch.available();
const skip = !isBuilt && 'the torch engine is not built here: no LibTorch';

async function gpuCheck(...args: string[]): Promise<{ code: number; stdout: string }> {
  const script = join(packageRoot(), 'scripts', 'gpu-check.js');
  const env = { ...process.env, NODE_OPTIONS: '' };
  return promisify(execFile)(process.execPath, [script, ...args], { env }).then(
    ({ stdout }) => ({ code: 0, stdout }),
    ({ code, stdout }) => ({ code, stdout }),
  );
}

t.test('checks on the processor: a line each, and a report', { skip, timeout: 300_000 }, async t => {
  const out = t.testdir({});
  const names = ['doctor', 'device', 'conformance', 'replicas', 'capture', 'memory', 'out-of-memory'];
  const { code, stdout } = await gpuCheck(
    ...['--engine-device', 'cpu:0', '--quick', '--out', out, '--only', names.join(',')],
  );
  t.equal(code, 0, stdout);
  for (const name of names) t.match(stdout, new RegExp(`^[✔–] ${name} `, 'm'));
  const [json, page] = readdirSync(out).sort();
  const { results } = JSON.parse(readFileSync(join(out, json), 'utf8'));
  t.strictSame(
    results.map(({ name }: { name: string }) => name),
    names,
  );
  t.match(readFileSync(join(out, page), 'utf8'), /^# cpu:0: .*\n[\s\S]*\| ✔ memory \|[\s\S]*## – capture/);
});

t.test('a GPU that is not there is said plainly', async t => {
  const { code, stdout } = await gpuCheck('--engine-device', 'cuda:99');
  t.equal(code, 3);
  t.match(stdout, /No GPU found for cuda:99/);
});

t.test('a check that hangs ends at its limit, one that fails keeps what it said', async t => {
  const settings = { device: 'cpu:0', quick: true };
  const check = { name: 'a', shows: 'b', limitSeconds: 0.5 };
  const hanging = await runCheck(
    { ...check, command: () => ['-e', 'setInterval(() => {}, 1000)'] },
    settings,
  );
  t.match(hanging, { state: 'failed', problems: [/still running after 0.5 s/] });
  const failing = await runCheck(
    { ...check, limitSeconds: 10, command: () => ['-e', 'throw new Error("broken")'] },
    settings,
  );
  t.match(failing, { state: 'failed', problems: ['ended with 1'], output: /broken/ });
});
