/** The incremental build, on a few lines of C++ that need no LibTorch. */
import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  type BuildJob,
  build,
  findCompiler,
  isCurrent,
  planTorch,
  withLock,
} from '../fixtures/build-scripts.js';

const compiler = findCompiler();
const compiling = { timeout: 120_000, skip: !compiler && 'no C++ compiler' };

const noTorch = {
  version: '2.11.0',
  source: 'the test',
  folder: '/nonexistent',
  includes: [],
  libFolder: '/nonexistent',
  libraries: [],
  runtimeFolders: [],
  cxx11Abi: true,
  cuda: null,
  onednn: null,
  mps: false,
};

interface Project extends Required<BuildJob> {
  readonly sources: string;
  readonly out: string;
  readonly logged: string[];
}

function project(folder: string, torch = noTorch): Project {
  const sources = join(folder, 'native');
  const out = join(folder, 'build');
  mkdirSync(join(sources, 'kernels', 'isa'), { recursive: true });
  for (const other of ['test', 'images']) mkdirSync(join(sources, other), { recursive: true });
  const files = {
    'torch.h': '#pragma once\n#include <vector>\n',
    'size.h': 'constexpr int kSize = 3;\n',
    'addon.cc':
      '#include "size.h"\n#include <node_api.h>\nint size() { return std::vector<int>(kSize).size(); }\n',
    'other.cc': 'int other() { return 1; }\n',
    'kernels/isa/sum.cc':
      '#define NAME2(x) sum_##x\n#define NAME(x) NAME2(x)\nint NAME(GRADRING_ISA)() { return 2; }\n',
    'test/main.cc': '#error tests are no part of the addon\n',
    'images/addon.cc': '#error this is another addon\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(sources, name), text);
  const logged: string[] = [];
  const log = (_text: string, warnings: string): void => void (warnings && logged.push(warnings));
  const plan = planTorch({ sources, out, torch, compiler: compiler! });
  return { sources, out, plan, target: join(out, 'addon.node'), compiler: compiler!, log, logged };
}

/** Dated ahead, as two writes may fall into one tick of the file system. */
function rewrite(path: string, text: string): void {
  writeFileSync(path, text);
  const later = new Date(Date.now() + 2000);
  utimesSync(path, later, later);
}

t.test('compiles what changed, and only that', compiling, async t => {
  const folder = t.testdir();
  const job = project(folder);
  const isas = process.arch === 'x64' ? 4 : 1;
  mkdirSync(job.out);
  t.equal(await build(job), 2 + isas);
  t.ok(existsSync(job.target));
  t.ok(isCurrent(job));
  t.equal(await build(job), 0, 'nothing changed');
  rewrite(join(job.sources, 'size.h'), 'constexpr int kSize = 4;\n');
  t.notOk(isCurrent(job), 'a header is part of it');
  t.equal(await build(job), 1);
  t.strictSame(job.logged, [], 'no warnings');

  t.equal(await build(project(folder, { ...noTorch, cxx11Abi: false })), 2 + isas, 'other flags');
  const folders = readdirSync(job.out).filter(name => name.startsWith('objects-'));
  t.equal(folders.length, 1, 'objects of the old flags are gone');
});

t.test('a mistake leaves the addon of before', compiling, async t => {
  const job = project(t.testdir());
  mkdirSync(job.out);
  await build(job);
  const before = statSync(job.target).mtimeMs;
  rewrite(join(job.sources, 'other.cc'), 'int other() { return nothing; }\n');
  await t.rejects(build(job), { name: 'CompileError' });
  t.match(job.logged.join(''), /nothing/);
  t.equal(statSync(job.target).mtimeMs, before);
  t.notOk(isCurrent(job));
});

t.test('one build at a time; the lock of a process that died is taken over', async t => {
  const folder = t.testdir();
  const order: string[] = [];
  const waits: (number | undefined)[] = [];
  let letGo = () => {};
  const held = new Promise<void>(resolve => {
    letGo = resolve;
  });
  const slow = withLock(
    folder,
    async () => {
      await held;
      order.push('first');
    },
    () => {},
  );
  await withLock(
    folder,
    async () => void order.push('second'),
    pid => {
      waits.push(pid);
      letGo();
    },
  );
  await slow;
  t.strictSame(order, ['first', 'second']);
  t.strictSame(waits, [process.pid]);

  writeFileSync(join(folder, 'lock'), '999999999');
  t.equal(
    await withLock(
      folder,
      async () => 'taken',
      () => {},
    ),
    'taken',
  );
});
