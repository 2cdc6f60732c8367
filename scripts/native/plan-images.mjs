// What the image addon is made of: native/images, with those of its libraries that are installed.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addonLinkFlags, nodeHeaders, warnings } from './toolchain.mjs';

/**
 * @typedef {object} ImageLibrary
 * @property {string} name
 * @property {string} definition what the sources ask for to use it
 * @property {string[]} sources files that need it
 * @property {string} header
 * @property {string} call an expression that links only where the library is there
 * @property {string} package its name with pkg-config
 * @property {string} install
 */

/** @type {ImageLibrary[]} */
const libraries = [
  {
    name: 'libdeflate',
    definition: 'GRADRING_LIBDEFLATE',
    sources: ['png.cc', 'unfilter.cc'],
    header: 'libdeflate.h',
    call: 'libdeflate_alloc_decompressor()',
    package: 'libdeflate',
    install: 'libdeflate-dev',
  },
  {
    name: 'libjpeg-turbo',
    definition: 'GRADRING_TURBOJPEG',
    sources: ['jpeg.cc'],
    header: 'turbojpeg.h',
    call: 'tjInitDecompress()',
    package: 'libturbojpeg',
    install: 'libturbojpeg0-dev',
  },
];

/**
 * Which libraries a program can be linked with.
 * @returns {{found: (ImageLibrary & {flags: Flags})[], missing: ImageLibrary[]}}
 */
export function locateImageLibraries(compiler, env = process.env) {
  const tried = withFlags(env);
  const found = tried.filter(library => links(library, compiler));
  return { found, missing: tried.filter(library => !found.includes(library)) };
}

/** Those that an addon was built with, as its stamp names them; nothing is tried. */
export function imageLibraries(names, env = process.env) {
  const all = withFlags(env);
  const found = all.filter(({ name }) => names.includes(name));
  return { found, missing: all.filter(library => !found.includes(library)) };
}

const withFlags = env => libraries.map(library => ({ ...library, flags: flagsOf(library, env) }));

/** @returns {import('./compile.mjs').Plan} */
export function planImages({ sources, out, found, compiler }) {
  const reduces = found.length > 0 && process.arch === 'x64';
  const compile = [
    ...['-std=c++17', '-O3', '-fPIC', '-fvisibility=hidden', ...warnings],
    ...['-DNAPI_VERSION=8', '-isystem', nodeHeaders()],
    ...found.flatMap(({ definition, flags }) => [`-D${definition}=1`, ...flags.compile]),
    ...(reduces ? ['-DGRADRING_REDUCE=1'] : []),
  ];
  const link = [...addonLinkFlags(), ...found.flatMap(({ flags }) => flags.link)];
  const hash = createHash('sha256')
    .update(JSON.stringify([compiler, compile, link]))
    .digest('hex')
    .slice(0, 12);
  const folder = join(out, `objects-${hash}`);
  const names = [
    ...['addon.cc', 'rows.cc', ...found.flatMap(library => library.sources)],
    ...(reduces ? ['axis.cc', 'lines.cc', 'reducer.cc'] : []),
  ];
  const objects = names.map(name => ({
    source: join(sources, name),
    object: join(folder, `${name}.o`),
    // The addon asks whether the machine has it before anything of that file is called.
    args: name === 'lines.cc' ? [...compile, '-mavx2'] : compile,
  }));
  return { objects, hash, folder, link };
}

/**
 * pkg-config knows folders that a compiler does not look into (Homebrew's); without it, the usual ones have to do.
 * @typedef {{compile: string[], link: string[]}} Flags
 * @returns {Flags}
 */
function flagsOf({ package: name }, env) {
  const ask = option =>
    execFileSync('pkg-config', [option, name], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .split(/\s+/)
      .filter(Boolean);
  try {
    return { compile: ask('--cflags'), link: ask('--libs') };
  } catch {
    return { compile: [], link: [`-l${name.replace(/^lib/, '')}`] };
  }
}

function links({ header, call, flags }, compiler) {
  const folder = mkdtempSync(join(tmpdir(), 'gradring-probe-'));
  const source = join(folder, 'probe.cc');
  writeFileSync(source, `#include <${header}>\nint main() { return ${call} == nullptr; }\n`);
  try {
    const args = [...flags.compile, source, '-o', join(folder, 'probe'), ...flags.link];
    execFileSync(compiler.command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
