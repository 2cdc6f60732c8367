// Finds a LibTorch to compile against: headers, libraries, and which of CUDA and oneDNN belong to it.
// Looks at files only: `import torch` takes seconds and fails where a driver is missing.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { findCuda } from './cuda.mjs';

/**
 * @typedef {object} LibTorch
 * @property {string} version
 * @property {string} source how it was found, in words
 * @property {string} folder where its headers are
 * @property {string[]} includes
 * @property {string} libFolder
 * @property {string[]} libraries paths to link, in order
 * @property {string[]} runtimeFolders where the loader must look besides libFolder
 * @property {boolean} cxx11Abi
 * @property {{includes: string[], runtime: string, version: string} | null} cuda
 * @property {string} [cudaLacking] why there is no CUDA although this LibTorch has it
 * @property {string | null} onednn its version
 * @property {boolean} mps
 */

/**
 * The LibTorch to use, or the reasons why there is none.
 * @returns {{torch: LibTorch} | {skipped: string, advice: string}}
 */
export function locate(env = process.env) {
  const chosen = env.GRADRING_LIBTORCH;
  if (chosen === 'off') return { skipped: 'GRADRING_LIBTORCH=off', advice: 'unset it to build the engine' };
  if (chosen) {
    const torch = fromFolder(chosen, 'GRADRING_LIBTORCH', env);
    if (torch) return { torch };
    return {
      skipped: `GRADRING_LIBTORCH=${chosen} holds no LibTorch (include/ATen and lib/libtorch_cpu)`,
      advice: "name the folder of LibTorch's include/ and lib/, or of a Python's torch package",
    };
  }
  for (const { folder, python } of pythonTorches(env)) {
    const torch = fromFolder(folder, `the torch package of ${python}`, env);
    if (torch) return { torch };
  }
  const torch = fromSystem("the system's LibTorch", env);
  if (torch) return { torch };
  return {
    skipped: 'no LibTorch found',
    advice:
      'install one (pip install torch, or apt install libtorch-dev), or set GRADRING_LIBTORCH to its folder',
  };
}

const libraryName = name => (process.platform === 'darwin' ? `${name}.dylib` : `${name}.so`);

/** @returns {LibTorch | undefined} */
function fromFolder(folder, source, env) {
  const libFolder = join(folder, 'lib');
  const include = join(folder, 'include');
  if (existsSync(join(include, 'ATen/ATen.h')) && existsSync(join(libFolder, libraryName('libtorch_cpu')))) {
    return describe({ source, folder, include, libFolder, site: dirname(folder) }, env);
  }
  // Debian's python3-torch has neither headers nor libraries of its own: they are the system's.
  if (existsSync(join(folder, 'version.py')) && folder.includes('dist-packages'))
    return fromSystem(source, env);
  return undefined;
}

/** @returns {LibTorch | undefined} */
function fromSystem(source, env) {
  const root = env.GRADRING_SYSROOT ?? '';
  const include = `${root}/usr/include`;
  if (!existsSync(join(include, 'ATen/ATen.h'))) return undefined;
  const libFolder = [...multiarchFolders(`${root}/usr/lib`), `${root}/usr/lib64`, `${root}/usr/lib`].find(
    candidate => existsSync(join(candidate, libraryName('libtorch_cpu'))),
  );
  if (!libFolder) return undefined;
  return describe({ source, folder: include, include, libFolder, site: undefined }, env);
}

/** Debian keeps libraries in a folder of the processor's name: /usr/lib/x86_64-linux-gnu. */
function multiarchFolders(root) {
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .filter(name => name.endsWith('-linux-gnu'))
    .map(name => join(root, name));
}

/** @returns {LibTorch} */
function describe({ source, folder, include, libFolder, site }, env) {
  const { cuda, lacking } = findCuda(libFolder, site, env);
  const onednn = site === undefined ? systemOneDnn(include, libFolder) : null;
  const names = ['libtorch_cpu', 'libc10'];
  if (cuda) names.unshift('libtorch_cuda', 'libc10_cuda');
  if (onednn) names.push('libdnnl');
  const libraries = names.map(name => join(libFolder, libraryName(name)));
  if (cuda) libraries.push(cuda.runtime);
  return {
    version: versionOf(include, folder),
    source,
    folder,
    includes: [include, join(include, 'torch/csrc/api/include')],
    libFolder,
    libraries: [...libraries, ...ownOpenMp(libFolder)],
    runtimeFolders: cuda ? [dirname(cuda.runtime)] : [],
    cxx11Abi: usesCxx11Abi(libFolder),
    cuda,
    cudaLacking: lacking,
    onednn,
    mps: process.platform === 'darwin' && existsSync(join(include, 'ATen/mps')),
  };
}

/**
 * A wheel brings its own libgomp, sometimes under another name. at::parallel_for compiles into the addon, so it
 * must run on the same OpenMP as LibTorch: on a second one the number of threads that LibTorch sets is unknown.
 */
function ownOpenMp(libFolder) {
  return readdirSync(libFolder)
    .filter(name => /^libgomp.*\.so/.test(name))
    .slice(0, 1)
    .map(name => join(libFolder, name));
}

/** Only a oneDNN that LibTorch itself uses: two of them in one process would each keep threads and caches. */
function systemOneDnn(include, libFolder) {
  const header = ['oneapi/dnnl/dnnl_version.h', 'dnnl_version.h']
    .map(name => join(include, name))
    .find(path => existsSync(path));
  if (!header || !existsSync(join(libFolder, libraryName('libdnnl')))) return null;
  const text = readFileSync(header, 'utf8');
  return ['MAJOR', 'MINOR', 'PATCH'].map(part => defined(text, `DNNL_VERSION_${part}`)).join('.');
}

function versionOf(include, folder) {
  for (const name of [
    'torch/headeronly/version.h',
    'torch/csrc/api/include/torch/version.h',
    'torch/version.h',
  ]) {
    const path = join(include, name);
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    const parts = ['MAJOR', 'MINOR', 'PATCH'].map(part => defined(text, `TORCH_VERSION_${part}`));
    if (parts.every(Boolean)) return parts.join('.');
  }
  const python = join(folder, 'version.py');
  const match = existsSync(python) && /__version__ = '([^']+)'/.exec(readFileSync(python, 'utf8'));
  return match ? match[1] : 'unknown';
}

const defined = (text, name) => new RegExp(`#define\\s+${name}\\s+(\\d+)`).exec(text)?.[1];

/** The old string ABI shows in the mangled name of c10::Error's constructor. */
function usesCxx11Abi(libFolder) {
  const library = join(libFolder, libraryName('libc10'));
  return !existsSync(library) || !readFileSync(library).includes('_ZN3c105ErrorC1ENS_14SourceLocationESs');
}

/** Folders of the torch packages that the Pythons on the path would import. */
function pythonTorches(env) {
  const script =
    "import importlib.util as u; s = u.find_spec('torch'); print(s.origin if s and s.origin else '')";
  const found = [];
  for (const python of ['python3', 'python']) {
    if (!onPath(python, env)) continue;
    try {
      const options = { env, encoding: 'utf8', timeout: 20_000, stdio: ['ignore', 'pipe', 'ignore'] };
      const origin = execFileSync(python, ['-c', script], options).trim();
      if (origin) found.push({ python, folder: dirname(origin) });
    } catch {
      // A Python that does not start has no torch to offer.
    }
  }
  return found;
}

const onPath = (name, env) =>
  (env.PATH ?? '').split(delimiter).some(folder => folder && existsSync(join(folder, name)));
