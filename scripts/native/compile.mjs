// Compiles native/**/*.cc, only what changed, as many files at once as there are cores, and links the addon.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { kernelFlags, linkFlags, plainFlags, torchFlags } from './toolchain.mjs';

export class CompileError extends Error {
  name = 'CompileError';
}

/**
 * What is to be compiled, and the hash that names this set of flags.
 * @returns {{objects: {source: string, object: string, args: string[], usesTorch: boolean}[], hash: string, folder: string}}
 */
export function plan({ sources, out, torch, compiler }) {
  const hash = createHash('sha256')
    .update(
      JSON.stringify([
        compiler,
        torch,
        torchFlags(torch),
        kernelFlags(torch),
        linkFlags(torch),
        identity(torch),
      ]),
    )
    .digest('hex')
    .slice(0, 12);
  const folder = join(out, `objects-${hash}`);
  const objects = sourceFiles(sources).flatMap(source => {
    const name = relative(sources, source);
    const parts = name.split(sep);
    if (parts[0] !== 'kernels') return [unit(source, folder, name, torchFlags(torch), true)];
    if (parts[1] !== 'isa') return [unit(source, folder, name, plainFlags(torch), false)];
    return kernelFlags(torch).map(isa => unit(source, folder, `${name}.${isa.name}`, isa.flags, false));
  });
  return { objects, hash, folder };
}

const unit = (source, folder, name, args, usesTorch) => ({
  source,
  object: join(folder, `${name}.o`),
  args,
  usesTorch,
});

/** A LibTorch replaced in place, under the same version, must not meet objects of the old one. */
function identity(torch) {
  return torch.libraries.filter(existsSync).map(path => [path, statSync(path).size, statSync(path).mtimeMs]);
}

function sourceFiles(folder) {
  return readdirSync(folder, { recursive: true })
    .filter(name => name.endsWith('.cc') && !name.split(sep).includes('test'))
    .sort()
    .map(name => join(folder, name));
}

/**
 * Compiles what is out of date and links.
 * @returns {Promise<number>} how many files were compiled
 */
export async function build({ sources, out, target, torch, compiler, log }) {
  const { objects, folder } = plan({ sources, out, torch, compiler });
  mkdirSync(folder, { recursive: true });
  const header = await precompile(join(sources, 'torch.h'), folder, torch, compiler, log);
  const stale = objects.filter(one => isStale(one.object, one.usesTorch ? [header] : []));
  const failures = [];
  const queue = [...stale];
  const worker = async () => {
    for (let one = queue.shift(); one; one = queue.shift()) {
      const forced = one.usesTorch ? includeOf(header, compiler) : [];
      await compile(one.object, [...one.args, ...forced, '-c', one.source], compiler, log).catch(error =>
        failures.push(error),
      );
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), stale.length) }, worker));
  if (failures.length > 0) throw new CompileError(failures.map(error => error.message).join('\n'));
  const names = objects.map(one => one.object);
  if (stale.length > 0 || isStale(target, names)) {
    await run(compiler.command, ['-o', `${target}.tmp`, ...names, ...linkFlags(torch)], log);
    renameSync(`${target}.tmp`, target);
  }
  removeOthers(out, folder, names);
  return stale.length;
}

/** ATen's headers take longer to read than a file of operations takes to compile: read them once. */
async function precompile(header, folder, torch, compiler, log) {
  const object = join(folder, compiler.clang ? 'torch.h.pch' : 'torch.h.gch');
  if (isStale(object, [])) {
    // A header of its own around it: compilers warn of `#pragma once` in the file they are given.
    const wrapper = join(folder, 'torch.h');
    writeFileSync(wrapper, `#include "${header}"\n`);
    // As old as what it includes: written in the same millisecond it would seem newer than the result, next time.
    const { atime, mtime } = statSync(header);
    utimesSync(wrapper, atime, mtime);
    await compile(object, [...torchFlags(torch), '-x', 'c++-header', wrapper], compiler, log);
  }
  return object;
}

/** GCC is given the name without .gch and finds it by itself. */
const includeOf = (header, compiler) =>
  compiler.clang ? ['-include-pch', header] : ['-include', header.slice(0, -'.gch'.length), '-Winvalid-pch'];

async function compile(object, args, compiler, log) {
  mkdirSync(dirname(object), { recursive: true });
  const started = new Date();
  const temporary = `${object}.tmp`;
  await run(compiler.command, [...args, '-MMD', '-MF', `${object}.d`, '-o', temporary], log);
  // Dated from the start: a source saved during the compilation is then newer than its object.
  utimesSync(temporary, started, started);
  renameSync(temporary, object);
}

function isStale(object, others) {
  if (!existsSync(object)) return true;
  const built = statSync(object).mtimeMs;
  const newer = path => !existsSync(path) || statSync(path).mtimeMs > built;
  return [...dependencies(`${object}.d`), ...others].some(newer);
}

/** Reads a make rule as -MMD writes it: `object: file file \` over several lines. */
function dependencies(path) {
  if (!existsSync(path)) return [];
  const rule = readFileSync(path, 'utf8').replaceAll('\\\n', ' ');
  const names = rule.slice(rule.indexOf(': ') + 2).match(/(?:\\ |\S)+/g) ?? [];
  return names.map(name => name.replaceAll('\\ ', ' '));
}

function run(command, args, log) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let output = '';
    child.stderr.setEncoding('utf8').on('data', text => {
      output += text;
    });
    child.on('error', reject);
    child.on('close', code => {
      log(`${command} ${args.join(' ')}\n${output}`, output);
      if (code === 0) resolve();
      else reject(new CompileError(output.trim() || `${command} ended with ${code}`));
    });
  });
}

/** Objects of other flags and of removed sources; a precompiled header alone is hundreds of megabytes. */
function removeOthers(out, folder, objects) {
  for (const name of readdirSync(out)) {
    if (name.startsWith('objects-') && join(out, name) !== folder)
      rmSync(join(out, name), { recursive: true });
  }
  const known = new Set(objects);
  for (const name of readdirSync(folder, { recursive: true })) {
    const path = join(folder, name);
    if (path.endsWith('.o') && !known.has(path)) rmSync(path);
  }
}

/** Whether the addon was made from these sources with these flags. */
export function isCurrent({ sources, out, target, torch, compiler }) {
  const { objects } = plan({ sources, out, torch, compiler });
  return (
    !objects.some(one => isStale(one.object, [])) &&
    !isStale(
      target,
      objects.map(one => one.object),
    )
  );
}

export function writeStamp(path, stamp) {
  writeFileSync(`${path}.tmp`, `${JSON.stringify(stamp, undefined, 2)}\n`);
  renameSync(`${path}.tmp`, path);
}
