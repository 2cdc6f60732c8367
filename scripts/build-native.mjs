#!/usr/bin/env node
// Builds the torch engine's addon: node scripts/build-native.mjs [--require | --optional] [--out folder]
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build, CompileError, plan, writeStamp } from './native/compile.mjs';
import { locate } from './native/locate.mjs';
import { withLock } from './native/lock.mjs';
import { findCompiler } from './native/toolchain.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const say = text => process.stdout.write(`${text}\n`);
const relativePath = path => relative(process.cwd(), path) || '.';

const help = `Builds the torch engine's addon for the LibTorch found on this machine.

  node scripts/build-native.mjs [options]

  --require      no LibTorch, or no compiler, is an error
  --optional     a compilation that fails is one line, not an error (for npm install)
  --out <folder> where to build; build/torch otherwise

  GRADRING_LIBTORCH  a folder to use (LibTorch's, or a Python's torch package), or "off"
  CXX                the compiler
  CUDA_HOME          the CUDA toolkit, where no wheel brings its headers`;

async function main() {
  const { values } = parseArgs({
    options: {
      require: { type: 'boolean', default: false },
      optional: { type: 'boolean', default: false },
      out: { type: 'string', default: join(root, 'build', 'torch') },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return say(help);
  const out = resolve(values.out);
  const found = locate();
  if ('skipped' in found) return skip(found.skipped, found.advice, values.require);
  const compiler = findCompiler();
  if (!compiler) return skip('no C++ compiler found', 'install g++ 11 or clang 12, or later', values.require);
  await withLock(
    out,
    () => compileAll(found.torch, compiler, out, values.optional),
    pid => say(`torch engine: waiting for another build${pid ? ` (process ${pid})` : ''}`),
  );
}

function skip(reason, advice, required) {
  const text = `torch engine: not built: ${reason}; ${advice}`;
  if (!required) return say(text);
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
}

async function compileAll(torch, compiler, out, optional) {
  const { folder, version, cuda, cudaLacking, onednn, mps } = torch;
  const parts = [`CUDA ${cuda?.version ?? 'no'}`, `oneDNN ${onednn ?? 'no'}`, ...(mps ? ['MPS yes'] : [])];
  say(`torch engine: LibTorch ${version}, ${torch.source} (${folder}), ${parts.join(', ')}`);
  if (cudaLacking) say(`torch engine: built without CUDA: ${cudaLacking}`);
  const job = {
    sources: join(root, 'native'),
    out,
    target: join(out, 'gradring_torch.node'),
    torch,
    compiler,
  };
  const logFile = join(out, 'build.log');
  mkdirSync(out, { recursive: true });
  writeFileSync(logFile, '');
  const log = (text, warnings) => {
    appendFileSync(logFile, text);
    if (warnings && !optional) process.stderr.write(warnings);
  };
  const started = performance.now();
  try {
    const compiled = await build({ ...job, log });
    const stamp = { version, folder, cuda: cuda?.version ?? null, onednn, mps, compiler };
    writeStamp(join(out, 'build.json'), { ...stamp, hash: plan(job).hash });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const done = compiled === 0 ? 'is up to date' : `compiled from ${compiled} files in ${seconds} s`;
    say(`torch engine: ${relativePath(job.target)} ${done}`);
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    process.stderr.write(
      `torch engine: did not compile; the compiler's words are in ${relativePath(logFile)}\n`,
    );
    if (!optional) process.exitCode = 1;
  }
}

await main();
