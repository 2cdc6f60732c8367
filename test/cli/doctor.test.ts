/** `npm run doctor` names everything, whatever the machine lacks, and always ends well. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { doctorTable } from '../../src/cli/doctor.js';
import { packageRoot } from '../../src/package-root.js';

const doctor = async (env: NodeJS.ProcessEnv = {}): Promise<string> => {
  const script = join(packageRoot(), 'scripts', 'doctor.js');
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [script], {
    env: { ...process.env, NODE_OPTIONS: '', ...env },
  });
  t.equal(stderr, '');
  return stdout;
};

t.test('every line has its sign, its name and a finding', async t => {
  const lines = (await doctor()).trimEnd().split('\n');
  for (const line of lines) t.match(line, /^[✔–✖] \S+.*\S|^ +→ \S/);
  const names = ['Node', 'processor', 'memory', 'sharp', 'GPUs', 'LibTorch', 'torch addon'];
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
  t.match(await doctor({ GRADRING_LIBTORCH: '/nonexistent' }), /holds no LibTorch.*\n +→ name the folder/);
  t.match(
    await doctor({ PATH: '', CUDA_VISIBLE_DEVICES: '1' }),
    /– GPUs +none left by CUDA_VISIBLE_DEVICES=1/,
  );
});

t.test('the table', async t => {
  const table = doctorTable([
    { name: 'a', state: 'good', text: 'fine' },
    { name: 'long name', state: 'bad', text: 'broken', advice: 'mend it' },
  ]);
  t.equal(table, '✔ a          fine\n✖ long name  broken\n             → mend it');
});
