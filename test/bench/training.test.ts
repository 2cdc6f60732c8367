/** The benches that train measure each of their rows; whether fast or slow is not asked here. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { FullReport } from '../../bench/report.js';
import { bench } from './run-bench.js';

const file = join(t.testdir({}), 'figures.json');
const tiny = ['--steps', '1', '--runs', '1', '--json', file];
const rows = () => (JSON.parse(readFileSync(file, 'utf8')) as FullReport).rows;

t.test('scaling: a row per number of replicas, beside the first', async t => {
  t.equal((await bench('scaling', '--replicas', '1,2', '--batch', '4', ...tiny)).code, 0);
  const [one, two, ...rest] = rows();
  t.same(rest, []);
  t.equal(two.against?.name, one.name);
  t.equal(two.also?.unit, '% efficiency');
});

t.test('step: rate against the stock cpu backend, its parts, its three costliest kernels', async t => {
  const stock = ['--stock-batch', '1', '--stock-runs', '1'];
  t.equal((await bench('step', '--replicas', '1', '--batch', '2', ...stock, ...tiny)).code, 0);
  const [rate, ...others] = rows();
  t.match(rate.against?.name, /stock cpu backend/);
  t.equal(others.filter(({ name }) => name.startsWith('kernel ')).length, 3);
  for (const { name, median } of [rate, ...others]) {
    // One replica has nobody to reduce with.
    if (!name.includes('all-reduce')) t.ok(median > 0, name);
  }
});

t.test('overhead: a step is its kernels and what stands beside them', async t => {
  t.equal((await bench('overhead', '--batch', '2', '--runs', '1', '--json', file)).code, 0);
  const [step, inKernels, beside, calls] = rows();
  t.equal(beside.median, step.median - inKernels.median);
  t.ok(inKernels.median > 0 && beside.median > 0);
  t.ok(Number.isInteger(calls.median));
});

t.test('memory: the peak of a step, and what many steps leave', async t => {
  const few = ['--steps', '1', '--small-steps', '2'];
  const { code } = await bench('memory', '--replicas', '1', '--batch', '32', ...few, '--json', file);
  if (process.platform !== 'linux') return t.equal(code, 2, 'no other system tells');
  const [peak, growth] = rows();
  t.ok(peak.median > 1, `${peak.median} MB for 32 images`);
  t.match(growth.name, 'growth over 2 steps');
});
