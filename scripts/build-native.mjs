#!/usr/bin/env node
// Builds the native addons: node scripts/build-native.mjs [torch] [images] [--require | --optional]
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build, CompileError, writeStamp } from './native/compile.mjs';
import { locate } from './native/locate.mjs';
import { withLock } from './native/lock.mjs';
import { locateImageLibraries, planImages } from './native/plan-images.mjs';
import { planTorch } from './native/plan-torch.mjs';
import { findCompiler } from './native/toolchain.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const say = text => process.stdout.write(`${text}\n`);
const relativePath = path => relative(process.cwd(), path) || '.';

const help = `Builds the native addons: the torch engine, for the LibTorch found on this machine, and what decodes and copies
images faster.

  node scripts/build-native.mjs [torch] [images] [options]      both, if none is named

  --require      what is missing is an error: LibTorch, libdeflate, libjpeg-turbo, a compiler
  --optional     a compilation that fails is one line, not an error (for npm install)
  --out <folder> build/ otherwise; the addons are made in its folders torch/ and images/

  GRADRING_LIBTORCH  a folder to use (LibTorch's, or a Python's torch package), or "off"
  GRADRING_IMAGES    "off" to do without the image addon
  CXX                the compiler
  CUDA_HOME          the CUDA toolkit, where no wheel brings its headers`;

/** What can be built: `find` gives a job, or the reason why there is none. */
const addons = {
  torch: {
    title: 'torch engine',
    target: 'gradring_torch.node',
    find(compiler, out) {
      const found = locate();
      if ('skipped' in found) return found;
      const { torch } = found;
      const { folder, version, cuda, cudaLacking, onednn, mps } = torch;
      const parts = [
        `CUDA ${cuda?.version ?? 'no'}`,
        `oneDNN ${onednn ?? 'no'}`,
        ...(mps ? ['MPS yes'] : []),
      ];
      const lines = [`LibTorch ${version}, ${torch.source} (${folder}), ${parts.join(', ')}`];
      if (cudaLacking) lines.push(`built without CUDA: ${cudaLacking}`);
      const stamp = { version, folder, cuda: cuda?.version ?? null, onednn, mps };
      return { lines, stamp, plan: () => planTorch({ sources: join(root, 'native'), out, torch, compiler }) };
    },
  },
  images: {
    title: 'image addon',
    target: 'gradring_images.node',
    find(compiler, out, isRequired) {
      if (process.env.GRADRING_IMAGES === 'off')
        return { skipped: 'GRADRING_IMAGES=off', advice: 'unset it to build it' };
      const { found, missing } = locateImageLibraries(compiler);
      const names = libraries => libraries.map(({ name }) => name).join(' and ');
      const advice = `for faster decoding: apt install ${missing.map(({ install }) => install).join(' ')}`;
      if (isRequired && missing.length > 0) return { skipped: `no ${names(missing)} found`, advice };
      const lines = [names(found) || 'without decoders'];
      if (missing.length > 0) lines.push(`no ${names(missing)} found; ${advice}`);
      const sources = join(root, 'native', 'images');
      const stamp = { libraries: found.map(({ name }) => name) };
      return { lines, stamp, plan: () => planImages({ sources, out, found, compiler }) };
    },
  },
};

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      require: { type: 'boolean', default: false },
      optional: { type: 'boolean', default: false },
      out: { type: 'string', default: join(root, 'build') },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return say(help);
  const unknown = positionals.find(name => !Object.hasOwn(addons, name));
  if (unknown !== undefined) {
    process.stderr.write(`there is no addon ${unknown}: torch, images\n`);
    process.exitCode = 2;
    return;
  }
  const compiler = findCompiler();
  for (const name of positionals.length > 0 ? positionals : Object.keys(addons))
    await make(addons[name], compiler, join(resolve(values.out), name), values);
}

async function make({ title, target, find }, compiler, out, { require, optional }) {
  const found = compiler
    ? find(compiler, out, require)
    : { skipped: 'no C++ compiler found', advice: 'install g++ 11 or clang 12, or later' };
  if ('skipped' in found) return skip(title, found, require);
  for (const line of found.lines) say(`${title}: ${line}`);
  await withLock(
    out,
    () => compileAll({ title, out, target: join(out, target), compiler, optional, ...found }),
    pid => say(`${title}: waiting for another build${pid ? ` (process ${pid})` : ''}`),
  );
}

function skip(title, { skipped, advice }, required) {
  const text = `${title}: not built: ${skipped}; ${advice}`;
  if (!required) return say(text);
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
}

async function compileAll({ title, out, target, compiler, optional, plan: makePlan, stamp }) {
  const plan = makePlan();
  const logFile = join(out, 'build.log');
  mkdirSync(out, { recursive: true });
  writeFileSync(logFile, '');
  const log = (text, warnings) => {
    appendFileSync(logFile, text);
    if (warnings && !optional) process.stderr.write(warnings);
  };
  const started = performance.now();
  try {
    const compiled = await build({ plan, target, compiler, log });
    writeStamp(join(out, 'build.json'), { ...stamp, compiler, hash: plan.hash });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const done = compiled === 0 ? 'is up to date' : `compiled from ${compiled} files in ${seconds} s`;
    say(`${title}: ${relativePath(target)} ${done}`);
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    process.stderr.write(`${title}: did not compile; the compiler's words are in ${relativePath(logFile)}\n`);
    if (!optional) process.exitCode = 1;
  }
}

await main();
