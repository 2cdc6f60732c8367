// What the torch engine's addon is made of: native/**, but for what has an addon of its own.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { kernelFlags, linkFlags, plainFlags, torchFlags } from './toolchain.mjs';

/** Folders of `native/` that are no part of this addon. */
const others = new Set(['test', 'images']);

/** @returns {import('./compile.mjs').Plan} */
export function planTorch({ sources, out, torch, compiler }) {
  const link = linkFlags(torch);
  const flags = [compiler, torch, torchFlags(torch), kernelFlags(torch), link, identity(torch)];
  const hash = createHash('sha256').update(JSON.stringify(flags)).digest('hex').slice(0, 12);
  const folder = join(out, `objects-${hash}`);
  const unit = (source, name, args, usesHeader) => ({
    source,
    object: join(folder, `${name}.o`),
    args,
    usesHeader,
  });
  const objects = sourceFiles(sources).flatMap(source => {
    const name = relative(sources, source);
    const parts = name.split(sep);
    if (parts[0] !== 'kernels') return [unit(source, name, torchFlags(torch), true)];
    if (parts[1] !== 'isa') return [unit(source, name, plainFlags(torch), false)];
    return kernelFlags(torch).map(isa => unit(source, `${name}.${isa.name}`, isa.flags, false));
  });
  const header = { source: join(sources, 'torch.h'), args: torchFlags(torch) };
  return { objects, hash, folder, header, link };
}

/** A LibTorch replaced in place, under the same version, must not meet objects of the old one. */
function identity(torch) {
  return torch.libraries.filter(existsSync).map(path => [path, statSync(path).size, statSync(path).mtimeMs]);
}

function sourceFiles(folder) {
  return readdirSync(folder, { recursive: true })
    .filter(name => name.endsWith('.cc') && !name.split(sep).some(part => others.has(part)))
    .sort()
    .map(name => join(folder, name));
}
