/** The benches of data measure each of their rows, and leave nothing behind; whether fast or slow is not asked here. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { Measurement } from '../../bench/harness.js';
import { workerCounts } from '../../bench/loader-variants.js';
import { PeerSession } from '../../bench/peer-session.js';
import type { FullReport } from '../../bench/report.js';
import { openData } from '../../src/data/open-dataset.js';
import { packageRoot } from '../../src/package-root.js';
import { bench, start } from './run-bench.js';

const folder = t.testdir({});
const file = join(folder, 'figures.json');
const temporary = join(folder, 'tmp');
mkdirSync(temporary);
// Of this file's children: their folders can be counted there.
process.env.TMPDIR = temporary;

const quick = ['--runs', '1', '--run-ms', '1', '--json', file];
const images = 40;

/** Runs a bench. @returns its rows */
async function rowsOf(t: Test, ...args: string[]): Promise<readonly Measurement[]> {
  const { code, err } = await bench(...args, ...quick);
  t.equal(code, 0, err);
  t.same(readdirSync(temporary), [], 'no folder stays');
  const { rows } = JSON.parse(readFileSync(file, 'utf8')) as FullReport;
  for (const { name, median } of rows) t.ok(median > 0, name);
  return rows;
}

/** A shell script in place of Python. */
function program(name: string, script: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Answers a line of each kind of question with a text. */
function fakePeer(answers: Readonly<Record<string, string>>): string {
  const cases = Object.entries(answers).map(([ask, answer]) => `*'"ask":"${ask}"'*) echo '${answer}';;`);
  return program('peer', `while read -r line; do case "$line" in ${cases.join(' ')} esac; done`);
}

async function meanOfSample(): Promise<number> {
  const { train } = await openData('sample');
  let sum = 0;
  for (let row = 0; row < images; row++) {
    const { pixels } = await train.get(row);
    sum += pixels.reduce((total, value) => total + value, 0) / pixels.length;
  }
  return sum / images;
}

t.test('loader: files and pack, beside a peer that has the same images', async t => {
  const args = ['loader', '--images', String(images), '--batch', '16'];
  const answers = { rate: '100', versions: '{"torch":"9.9"}', mean: String(await meanOfSample()) };
  const peer = ['--peer', '--python', fakePeer(answers)];
  const rows = await rowsOf(t, ...args, ...peer);
  const ours = rows.filter(({ name }) => name.startsWith('folder of PNGs') && !name.includes('÷'));
  t.equal(ours.length, workerCounts.length);
  const best = Math.max(...ours.map(({ median }) => median));
  const [ratio, ...others] = rows.filter(({ name }) => name.includes('÷'));
  t.equal(ratio.median, best / 100);
  t.equal(others.length, 1);

  const other = await bench(...args, '--peer', '--python', fakePeer({ ...answers, mean: '0' }), ...quick);
  t.equal(other.code, 1);
  t.match(other.err, /the mean pixel is .* and 0 with PyTorch's read_image/);
});

t.test('photos: a row for each format and size', async t => {
  const rows = await rowsOf(t, 'photos', '--small', '4', '--large', '2', '--batch', '4');
  t.same(
    rows.map(({ name }) => name.split(':')[0]),
    ['PNG 256 × 256', 'PNG 1024 × 768 → 224 × 224', 'JPEG 256 × 256', 'JPEG 1024 × 768 → 224 × 224'],
  );
});

t.test('cache: the first epoch, and later ones from memory and disk', async t => {
  const rows = await rowsOf(t, 'cache', '--images', String(images), '--batch', '16');
  t.match(
    rows.map(({ name }) => name),
    [/memory.*first epoch/, /disk.*first epoch/, /memory/, /memory/, /disk/, /ArrayDataset/, /÷/],
  );
});

t.test('parquet: first and later epochs beside files, rate and memory of copying', async t => {
  // In place of what pyarrow would write of the images.
  const fixture = join(packageRoot(), 'test/fixtures/parquet/hub/data/test-00000-of-00001.parquet');
  const python = program('writer', `cp ${fixture} "$3"; echo '{"pyarrow":"9.9"}'`);
  const sizes = ['--images', String(images), '--photos', '4', '--group-rows', '2'];
  const rows = await rowsOf(t, 'parquet', ...sizes, '--python', python);
  t.equal(rows.filter(({ name }) => name.endsWith('first epoch')).length, 2);
  t.match(rows[4], { name: 'Parquet ÷ folder', median: rows[3].median / rows[2].median });
  t.equal(rows.filter(({ name }) => name.startsWith('copying')).length, process.platform === 'linux' ? 6 : 3);
});

t.test('event-loop: idle, and a delay and a rate for each way to load', async t => {
  const rows = await rowsOf(t, 'event-loop', '--images', String(images), '--cached', String(images));
  t.equal(rows.filter(({ unit }) => unit === 'ms').length, 5);
  t.equal(rows.filter(({ unit }) => unit === 'img/s').length, 4);
});

t.test('Ctrl-C ends a bench of data with 130 and removes its files', async t => {
  const { child, done } = start('event-loop', '--run-ms', '60000');
  while (readdirSync(temporary).length === 0) await delay(10);
  child.kill('SIGINT');
  t.equal((await done).code, 130);
  t.same(readdirSync(temporary), []);
});

t.test('a session with a peer: its answers, or why there are none', async t => {
  const options = { python: fakePeer({ one: '1', two: '[2]' }), signal: new AbortController().signal };
  const answers = await PeerSession.over('images.py', [], options, async session => {
    return [await session.ask({ ask: 'one' }), await session.ask({ ask: 'two' })];
  });
  t.same(answers, [1, [2]]);

  const failing = program('failing', `echo "ModuleNotFoundError: No module named 'torch'" >&2; exit 1`);
  const asked = PeerSession.over('images.py', [], { ...options, python: failing }, session =>
    session.ask({ ask: 'one' }),
  );
  await t.rejects(asked, { code: 'E_CONFIG', message: /it has no torch/ });
});
