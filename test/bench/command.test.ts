/** The bench command as people run it: what it lists, refuses, prints, writes, and leaves behind. */
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { FullReport } from '../../bench/report.js';
import { bench, start } from './run-bench.js';

/** A stand-in for the Python that `--python` names. */
function fakePython(t: Test, script: string): string {
  const file = join(t.testdir(), 'python');
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

const quick = ['allreduce', '--sizes', '1000', '--replicas', '2,3', '--runs', '3'];

t.test('without a name it lists every bench, its peer and its options', async t => {
  const { code, out } = await bench();
  t.equal(code, 0);
  for (const text of [
    'loader',
    'allreduce',
    'step',
    'scaling',
    'overhead',
    'memory',
    'gloo',
    '--stock-batch',
    '--json',
    '[192]',
  ]) {
    t.match(out, text);
  }
});

t.test('wrong usage ends with 2 and says what was meant, before anything is measured', async t => {
  const cases: [args: string[], expected: string][] = [
    [['stp'], 'did you mean step?'],
    [['step', '--stock-bach', '3'], 'did you mean --stock-batch?'],
    [['allreduce', '--batch', '3'], 'there is no option --batch here'],
    [['scaling', '--replicas', '1,0'], "--replicas takes whole numbers above 0, not '0'"],
    [['step', '--engine', 'abacus'], "--engine takes wasm or torch or cpu, not 'abacus'"],
    [['allreduce', 'step'], "what is 'step'?"],
    [['allreduce', '--json', '/nowhere/figures.json'], 'make the folder first'],
    [[...quick, '--peer', '--python', 'no-such-python'], 'there is no no-such-python'],
  ];
  for (const [args, expected] of cases) {
    const { code, err, out } = await bench(...args);
    t.equal(code, 2, args.join(' '));
    t.match(err, expected);
    t.equal(out, '');
  }
});

t.test('the figures of ring and peer, as table, Markdown and JSON', async t => {
  const folder = t.testdir({});
  const file = join(folder, 'figures.json');
  const python = fakePython(t, `echo noise; echo '{"torch":"9.9","ms":[3,1,2]}'`);
  const { code, out } = await bench(...quick, '--peer', '--python', python, '--json', file, '--markdown');
  t.equal(code, 0);
  t.match(out, /torch 9\.9/);
  t.match(out, /^\| 0\.001 M floats, N = 3, gloo +\| 2\.00 \| 1\.00 – 3\.00 \| ms \|/m);
  const report = JSON.parse(readFileSync(file, 'utf8')) as FullReport;
  t.strictSame(
    readdirSync(folder).filter(name => name.endsWith('.json')),
    ['figures.json'],
  );
  t.match(report, {
    bench: 'allreduce',
    settings: { sizes: [1000], replicas: [2, 3], runs: 3 },
    versions: { torch: '9.9' },
    environment: { node: process.version, packages: { '@tensorflow/tfjs-core': '4.22.0' } },
  });
  t.equal(report.rows.length, 4);
  const [ring, gloo] = report.rows;
  t.equal(ring.runs.length, 3);
  t.equal(ring.median, ring.runs.toSorted((a, b) => a - b)[1]);
  t.equal(gloo.against?.ratio, 2 / ring.median);
  t.equal(gloo.also?.value, (1000 * 4) / 2e6);
});

t.test('a peer that fails is told with its last words', async t => {
  const python = fakePython(t, `echo "ModuleNotFoundError: No module named 'torch'" >&2; exit 1`);
  const { code, err } = await bench(...quick, '--peer', '--python', python);
  t.equal(code, 2);
  t.match(err, /it has no torch/);
});

/** A killed process whose parent has not asked for it yet still has its number. */
function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

t.test('Ctrl-C ends it with 130, and the peer with all that it started', async t => {
  const pids = join(t.testdir({}), 'pids');
  const script = `sleep 600 & echo "$$ $!" > ${pids}.new; mv ${pids}.new ${pids}; wait`;
  const { child, done } = start(...quick, '--peer', '--python', fakePython(t, script));
  while (!existsSync(pids)) await delay(10);
  const numbers = readFileSync(pids, 'utf8').trim().split(' ').map(Number);
  t.ok(numbers.every(runs));
  child.kill('SIGINT');
  t.equal((await done).code, 130);
  while (numbers.some(runs)) await delay(10);
});
