/** A disk that is full, or a file that may not grow: the run ends and says which file; what was saved before is whole. */
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { listCheckpoints, readCheckpointFiles } from '../../src/checkpoint/read-files.js';
import { packageRoot } from '../../src/package-root.js';
import { train } from '../../src/run/train.js';
import { type Ended, trainCommand } from '../cli/command.js';

const args = [
  ...['--engine', 'wasm', '--model', 'mlp', '--batch-size', '64', '--limit-batches', '3'],
  ...['--schedule', 'constant', '--lr', '0.001', '--augment'],
];

/**
 * The command in a shell that lets no file grow beyond `kib`. Node ignores the signal that comes with it, which what
 * the tests load into every process of theirs would not.
 */
function limitedTo(kib: number, given: readonly string[]): Promise<Ended> {
  const script = join(packageRoot(), 'scripts', 'train.js');
  const command = `unset NODE_OPTIONS; ulimit -f ${kib * 2}; exec "$0" "$@"`;
  const child = spawn('sh', ['-c', command, process.execPath, script, ...given], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  let stderr = '';
  child.stderr.on('data', chunk => {
    stderr += chunk;
  });
  return new Promise(resolve => child.once('close', code => resolve({ code, stdout: '', stderr })));
}

const halfWritten = (folder: string): string[] =>
  readdirSync(folder, { recursive: true })
    .map(String)
    .filter(name => name.endsWith('.tmp'));

const checksumsIn = (out: string): string[] =>
  JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')).replicaChecksums;

async function runWhole(t: Test, epochs: number): Promise<string[]> {
  const out = join(t.testdir(), 'whole');
  const ended = await trainCommand([...args, '--epochs', String(epochs), '--out', out]);
  t.equal(ended.code, 0, ended.stderr);
  return checksumsIn(out);
}

t.test('a checkpoint that cannot be written ends the run; the one before it is gone on from', async t => {
  const whole = await runWhole(t, 2);
  const out = join(t.testdirName, 'run');
  await trainCommand([...args, '--epochs', '1', '--out', out]);
  const [before] = await listCheckpoints(join(out, 'checkpoints'));
  const ended = await limitedTo(300, ['--resume', out, '--epochs', '2']);
  t.equal(ended.code, 1, ended.stderr);
  t.match(
    ended.stderr,
    /E_CHECKPOINT {2}the checkpoint .*epoch-002-step-000006-loss-.* cannot be written: EFBIG/,
  );
  t.match(ended.stderr, /earlier checkpoints are untouched/);
  t.match(ended.stderr, /saved +1 epoch, 3 steps; to go on: --resume/);
  t.same(halfWritten(out), []);
  t.match(await listCheckpoints(join(out, 'checkpoints')), [{ name: before.name }]);
  t.match(JSON.parse(readFileSync(join(out, 'FAILED.json'), 'utf8')), { code: 'E_CHECKPOINT' });
  const rest = await trainCommand(['--resume', out, '--epochs', '2']);
  t.equal(rest.code, 0, rest.stderr);
  t.same(checksumsIn(out), whole);
});

t.test('a model that cannot be written', async t => {
  const out = join(t.testdir(), 'run');
  const ended = await limitedTo(100, [...args, '--epochs', '1', '--checkpoint', '0', '--out', out]);
  t.equal(ended.code, 1, ended.stderr);
  t.match(ended.stderr, /E_RUN_FOLDER {2}.*weights\.bin cannot be written: EFBIG/);
  t.same(halfWritten(out), []);
  t.notOk(readdirSync(out).includes('model.json'), 'which would say that the weights are there');
});

/** A file system of so many bytes, if we may make one. */
function tinyDisk(t: Test, bytes: number): { path: string; resize(bytes: number): void } | undefined {
  const path = mkdtempSync(join(tmpdir(), 'gradring-disk-'));
  const mount = (options: string): void => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'ignore' });
  };
  try {
    mount(`size=${bytes}`);
  } catch {
    // Not root, or in a container that may not mount.
    rmSync(path, { recursive: true });
    return undefined;
  }
  t.teardown(() => {
    execFileSync('umount', [path]);
    rmSync(path, { recursive: true });
  });
  return { path, resize: size => mount(`remount,size=${size}`) };
}

const mayMount = process.platform === 'linux' && process.getuid?.() === 0;
const needsRoot = mayMount ? false : 'a tiny file system needs root';

t.test(
  'a full disk: all checkpoints that are there are good, and it goes on with more room',
  { skip: needsRoot },
  async t => {
    const whole = await runWhole(t, 3);
    const disk = tinyDisk(t, 2_000_000);
    if (!disk) return t.pass('no file system can be mounted here');
    const out = join(disk.path, 'run');
    const ended = await trainCommand([
      ...args,
      ...['--epochs', '3', '--checkpoint-steps', '1', '--keep-checkpoints', '99', '--out', out],
    ]);
    t.equal(ended.code, 1, ended.stderr);
    t.match(ended.stderr, /E_CHECKPOINT.*cannot be written: ENOSPC/);
    t.same(halfWritten(out), []);
    const left = await listCheckpoints(join(out, 'checkpoints'));
    t.ok(left.length >= 2, `${left.length} checkpoints`);
    for (const { name } of left) await readCheckpointFiles(name);
    disk.resize(20_000_000);
    const rest = await trainCommand(['--resume', out]);
    t.equal(rest.code, 0, rest.stderr);
    t.same(checksumsIn(out), whole);
  },
);

t.test('records on a full disk: an epoch that cannot be noted ends the run', { skip: needsRoot }, async t => {
  const disk = tinyDisk(t, 200_000);
  if (!disk) return t.pass('no file system can be mounted here');
  const fill = (): void => {
    for (const size of [65536, 4096, 1]) {
      try {
        for (;;) appendFileSync(join(disk.path, 'filler'), Buffer.alloc(size));
      } catch {
        // Full to the last byte of this size.
      }
    }
  };
  const options = {
    engine: 'wasm',
    model: 'mlp',
    limitBatches: 2,
    epochs: 1,
    checkpoint: 0,
    workers: 0,
  } as const;
  const out = join(disk.path, 'run');
  const failure = await train({ ...options, out }, { onStart: fill }).catch(error => error);
  t.match(failure, { code: 'E_RUN_FOLDER', where: join(out, 'metrics.jsonl'), message: /ENOSPC/ });
  t.same(halfWritten(out), []);
});
