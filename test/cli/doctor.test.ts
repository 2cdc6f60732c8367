/** `npm run doctor` names everything, whatever the machine lacks, and says whether a training can work. */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { doctorTable } from '../../src/cli/doctor.js';
import { canTrain, type Finding } from '../../src/cli/doctor-findings.js';
import { packageRoot } from '../../src/package-root.js';
import { machineLimits } from '../../src/run/machine-limits.js';

type FixtureDirContent = NonNullable<Parameters<Test['testdir']>[0]>;

const doctor = async (env: NodeJS.ProcessEnv = {}, flags: readonly string[] = []): Promise<string> => {
  const script = join(packageRoot(), 'scripts', 'doctor.js');
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [script, ...flags], {
    env: { ...process.env, NODE_OPTIONS: '', ...env },
  });
  t.equal(stderr, '');
  return stdout;
};

t.test('every line has its sign, its name and a finding', async t => {
  const lines = (await doctor()).trimEnd().split('\n');
  for (const line of lines) t.match(line, /^[✔–✖] \S+.*\S|^ +→ \S/);
  const machine = [
    'Node',
    'gradring',
    'processor',
    'memory',
    'libuv threads',
    'run folder',
    'temporary',
    'clock',
  ];
  const names = [...machine, 'sharp', 'image addon', 'GPUs', 'LibTorch', 'torch addon'];
  for (const name of [...names, 'engine torch', 'engine wasm', 'engine cpu']) {
    t.ok(
      lines.some(line => line.slice(2).startsWith(name)),
      name,
    );
  }
  t.match(lines[0], `✔ Node`);
});

t.test('what is missing comes with what to do', async t => {
  t.match(await doctor({ GRADRING_LIBTORCH: 'off' }), /– LibTorch +GRADRING_LIBTORCH=off\n +→ unset it/);
  t.match(await doctor({ GRADRING_IMAGES: 'off' }), /– image addon +GRADRING_IMAGES=off/);
  t.match(await doctor({ GRADRING_LIBTORCH: '/nonexistent' }), /holds no LibTorch.*\n +→ name the folder/);
  t.match(
    await doctor({ PATH: '', CUDA_VISIBLE_DEVICES: '1' }),
    /– GPUs +none left by CUDA_VISIBLE_DEVICES=1/,
  );
});

t.test('as JSON: the same findings, and all versions', async t => {
  const { ok, environment, findings } = JSON.parse(await doctor({}, ['--json']));
  t.equal(ok, true);
  t.match(environment, {
    node: process.version,
    cores: Number,
    packages: { '@tensorflow/tfjs-core': '4.22.0' },
  });
  t.match(
    findings.find(({ name }: Finding) => name === 'engine cpu'),
    { state: 'good', text: /cpu:0/ },
  );
  t.match(findings[0], { name: 'Node', state: 'good', text: process.version });
});

t.test('a folder that cannot be written is found by trying', async t => {
  const missing = join(t.testdir(), 'gone');
  t.match(
    await doctor({ TMPDIR: missing }),
    /✖ temporary +\S+gone cannot be written: ENOENT.*\n +→ name another/,
  );
});

t.test('a training can work where Node and one engine are good; an unknown flag is refused', async t => {
  const row = (name: string, state: Finding['state']): Finding => ({ name, state, text: '' });
  t.ok(
    canTrain([row('Node', 'good'), row('sharp', 'bad'), row('engine a', 'absent'), row('engine b', 'good')]),
  );
  t.notOk(canTrain([row('Node', 'good'), row('engine a', 'absent')]));
  t.notOk(canTrain([row('Node', 'bad'), row('engine a', 'good')]));
  await t.rejects(doctor({}, ['--jsn']), { code: 2, stderr: /did you mean --json/ });
});

t.test('limits of control groups, of both versions; the inner ones need not be there', async t => {
  const cores = availableParallelism();
  const quotaIn = (files: FixtureDirContent): number | undefined => machineLimits(t.testdir(files)).coreQuota;
  const fs = (cgroup: string, groups: FixtureDirContent): FixtureDirContent => ({
    proc: { self: { cgroup } },
    sys: { fs: { cgroup: groups } },
  });
  const half = String(cores * 50_000);
  t.equal(quotaIn({}), undefined);
  t.equal(quotaIn(fs('0::/\n', { 'cpu.max': 'max 100000\n' })), undefined);
  t.equal(quotaIn(fs('0::/\n', { 'cpu.max': `${half} 100000\n` })), cores / 2);
  const outer = { 'cpu.max': `${half} 100000\n`, job: { 'cpu.max': 'max 100000\n' } };
  t.equal(quotaIn(fs('0::/job/inner\n', outer)), cores / 2, 'the quota of a group above');
  const old = { 'cpu.cfs_quota_us': `${half}\n`, 'cpu.cfs_period_us': '100000\n' };
  t.equal(quotaIn(fs('4:memory:/\n3:cpu,cpuacct:/docker/1\n0::/\n', { 'cpu,cpuacct': old })), cores / 2);
  t.equal(quotaIn(fs('3:cpu:/\n', { cpu: { ...old, 'cpu.cfs_quota_us': '-1\n' } })), undefined);
  t.equal(
    quotaIn(fs('0::/\n', { 'cpu.max': `${cores * 200_000} 100000\n` })),
    undefined,
    'more than there is',
  );
});

t.test('the table', async t => {
  const table = doctorTable([
    { name: 'a', state: 'good', text: 'fine' },
    { name: 'long name', state: 'bad', text: 'broken', advice: 'mend it' },
  ]);
  t.equal(table, '✔ a          fine\n✖ long name  broken\n             → mend it');
});
