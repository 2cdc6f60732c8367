#!/usr/bin/env node
// The hand-written loops and the native programs by themselves, linked with the objects of the torch engine's addon.
//
//   node test/native/run.mjs                        the two tests, side by side
//   node test/native/run.mjs PROGRAM [ARGUMENT ...]  one of kernels_test, program_test, kernels_bench, program_bench
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from '../../scripts/native/compile.mjs';
import { locate } from '../../scripts/native/locate.mjs';
import { planTorch } from '../../scripts/native/plan-torch.mjs';
import {
  addonLinkFlags,
  findCompiler,
  linkFlags,
  plainFlags,
  torchFlags,
} from '../../scripts/native/toolchain.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const out = join(root, 'build', 'test-native');

/** Objects of the addon, by their path in `native/`. */
const isLoop = name => name.startsWith(`kernels${sep}`);
const alone = ['cuda.cc', 'onednn.cc', 'product.cc'];
const isProgram = name =>
  isLoop(name) ||
  (name.startsWith(`program${sep}`) && basename(name) !== 'bindings.cc') ||
  alone.includes(name);

/** Tests are compiled in less time at -O1: they are plain loops on purpose. */
const testFlags = torch => [...plainFlags(torch), '-O1'];

const programs = {
  kernels_test: { sources: /^kernels_(\w+_)?test\.cc$/, flags: testFlags, needs: isLoop },
  program_test: { sources: /^program_test\.cc$/, flags: torchFlags, needs: isProgram },
  kernels_bench: { sources: /^kernels_bench\.cc$/, flags: plainFlags, needs: isLoop },
  program_bench: { sources: /^program_bench\.cc$/, flags: torchFlags, needs: isProgram },
};

async function make(name, torch, compiler) {
  const { sources, flags, needs } = programs[name];
  const native = join(root, 'native');
  const addon = planTorch({ sources: native, out: join(root, 'build', 'torch'), torch, compiler });
  const objects = addon.objects
    .filter(({ source }) => needs(relative(native, source)))
    .map(one => one.object);
  const link = [...objects, ...linkFlags(torch).filter(flag => !addonLinkFlags().includes(flag))];
  const args = flags(torch);
  const hash = createHash('sha256')
    .update(JSON.stringify([addon.hash, args]))
    .digest('hex')
    .slice(0, 12);
  const folder = join(out, name, `objects-${hash}`);
  const units = readdirSync(here)
    .filter(file => sources.test(file))
    .map(file => ({ source: join(here, file), object: join(folder, `${file}.o`), args }));
  const target = join(out, name, name);
  mkdirSync(folder, { recursive: true });
  // The objects of the addon may be new ones.
  rmSync(target, { force: true });
  const log = (_, warnings) => process.stderr.write(warnings);
  await build({ plan: { objects: units, hash, folder, link }, target, compiler, log });
  return target;
}

/** Its output as a whole, since two may run side by side. */
function run(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const output = [];
    child.stdout.on('data', data => output.push(data));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      process.stdout.write(Buffer.concat(output));
      if (code === 0) return resolve();
      reject(new Error(`${basename(program)} ended with ${signal ?? code}`));
    });
  });
}

const [name, ...args] = process.argv.slice(2);
if (name !== undefined && !Object.hasOwn(programs, name)) {
  process.stderr.write(`there is no ${name}: ${Object.keys(programs).join(', ')}\n`);
  process.exit(2);
}
const addon = spawnSync(process.execPath, [join(root, 'scripts', 'build-native.mjs'), 'torch', '--require'], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
if (addon.status !== 0) process.exit(1);
const compiler = findCompiler();
const { torch } = locate();
const started = (name === undefined ? ['kernels_test', 'program_test'] : [name]).map(async name =>
  run(await make(name, torch, compiler), args),
);
for (const { reason } of await Promise.allSettled(started)) {
  if (reason === undefined) continue;
  process.stderr.write(`${reason.message}\n`);
  process.exitCode = 1;
}
