// Compiles what changed of an addon, as many files at once as there are cores, and links it.
import { spawn } from 'node:child_process';
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
import { basename, dirname, join } from 'node:path';

export class CompileError extends Error {
  name = 'CompileError';
}

/**
 * What an addon is made of.
 * @typedef {object} Plan
 * @property {string} hash names this set of flags
 * @property {string} folder of the objects, `objects-<hash>` in the folder of the addon
 * @property {{source: string, object: string, args: string[], usesHeader?: boolean}[]} objects
 * @property {{source: string, args: string[]}} [header] is compiled once, and included first where `usesHeader`
 * @property {string[]} link what follows the objects on the line that links
 */

/**
 * Compiles what is out of date and links.
 * @returns {Promise<number>} how many files were compiled
 */
export async function build({ plan, target, compiler, log }) {
  const { objects, folder } = plan;
  mkdirSync(folder, { recursive: true });
  const header = plan.header && (await precompile(plan.header, folder, compiler, log));
  const stale = objects.filter(one => isStale(one.object, one.usesHeader ? [header] : []));
  const failures = [];
  const queue = [...stale];
  const worker = async () => {
    for (let one = queue.shift(); one; one = queue.shift()) {
      const forced = one.usesHeader ? includeOf(header, compiler) : [];
      await compile(one.object, [...one.args, ...forced, '-c', one.source], compiler, log).catch(error =>
        failures.push(error),
      );
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), stale.length) }, worker));
  if (failures.length > 0) throw new CompileError(failures.map(error => error.message).join('\n'));
  const names = objects.map(one => one.object);
  if (stale.length > 0 || isStale(target, names)) {
    await run(compiler.command, ['-o', `${target}.tmp`, ...names, ...plan.link], log);
    renameSync(`${target}.tmp`, target);
  }
  removeOthers(folder, names);
  return stale.length;
}

/** Headers like ATen's take longer to read than a file of operations takes to compile: read them once. */
async function precompile({ source, args }, folder, compiler, log) {
  const name = basename(source);
  const object = join(folder, `${name}.${compiler.clang ? 'pch' : 'gch'}`);
  if (isStale(object, [])) {
    // A header of its own around it: compilers warn of `#pragma once` in the file they are given.
    const wrapper = join(folder, name);
    writeFileSync(wrapper, `#include "${source}"\n`);
    // As old as what it includes: written in the same millisecond it would seem newer than the result, next time.
    const { atime, mtime } = statSync(source);
    utimesSync(wrapper, atime, mtime);
    await compile(object, [...args, '-x', 'c++-header', wrapper], compiler, log);
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
function removeOthers(folder, objects) {
  const out = dirname(folder);
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
export function isCurrent({ plan: { objects }, target }) {
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
