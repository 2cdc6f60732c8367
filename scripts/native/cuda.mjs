// The CUDA runtime that belongs to a LibTorch: its library, and headers of the same major version.
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';

const library = /^libcudart(-[0-9a-f]+)?\.so(\.\d+)*$/;

/**
 * @param {string} libFolder LibTorch's libraries
 * @param {string | undefined} site the folder of Python packages that holds this LibTorch
 * @returns {{cuda: {includes: string[], runtime: string, version: string} | null, lacking?: string}}
 *   `lacking` says what is missing where LibTorch itself has CUDA
 */
export function findCuda(libFolder, site, env) {
  if (!existsSync(join(libFolder, 'libtorch_cuda.so'))) return { cuda: null };
  const wheels = site ? wheelFolders(join(site, 'nvidia')) : [];
  const toolkits = [env.CUDA_HOME, env.CUDA_PATH, toolkitOnPath(env), '/usr/local/cuda'].filter(Boolean);
  const runtime = [libFolder, ...[...wheels, ...toolkits].flatMap(libraryFolders)]
    .map(runtimeIn)
    .find(Boolean);
  if (!runtime) return { cuda: null, lacking: 'libcudart was not found; set CUDA_HOME to the CUDA toolkit' };
  const major = majorOf(runtime);
  // The wheels keep the headers in several folders, a toolkit keeps all in one.
  const sets = [wheels, ...toolkits.map(root => [root])].map(roots =>
    roots.map(root => join(root, 'include')).filter(path => existsSync(path)),
  );
  const includes = sets.find(folders => isComplete(folders, major));
  if (includes) return { cuda: { includes, runtime, version: versionIn(includes) } };
  const wheel = Number(major) >= 13 ? 'nvidia-cuda-crt' : `nvidia-cuda-nvcc-cu${major}`;
  return {
    cuda: null,
    lacking: `the headers of CUDA ${major} are not complete; pip install ${wheel}==${versionIn(sets[0]) ?? major}.*, or set CUDA_HOME`,
  };
}

/** Headers of another major version would call a runtime that is not the one in the process. */
function isComplete(folders, major) {
  const has = name => folders.some(folder => existsSync(join(folder, name)));
  return has('crt/host_defines.h') && versionIn(folders)?.split('.')[0] === major;
}

function versionIn(folders) {
  const header = folders.map(folder => join(folder, 'cuda_runtime_api.h')).find(path => existsSync(path));
  const match = header && /#define\s+CUDART_VERSION\s+(\d+)/.exec(readFileSync(header, 'utf8'));
  return match ? `${Math.floor(match[1] / 1000)}.${Math.floor((match[1] % 1000) / 10)}` : undefined;
}

const wheelFolders = nvidia =>
  existsSync(nvidia) ? readdirSync(nvidia).map(name => join(nvidia, name)) : [];

const libraryFolders = root =>
  ['lib64', 'lib', 'targets/x86_64-linux/lib', 'targets/sbsa-linux/lib'].map(name => join(root, name));

function runtimeIn(folder) {
  if (!existsSync(folder)) return undefined;
  const name = readdirSync(folder).find(entry => library.test(entry));
  return name && join(folder, name);
}

/** `13` of libcudart.so.13, or of what a plain libcudart.so points to. */
const majorOf = runtime => /\.so\.(\d+)/.exec(basename(realpathSync(runtime)))?.[1];

function toolkitOnPath(env) {
  const folder = (env.PATH ?? '').split(delimiter).find(path => path && existsSync(join(path, 'nvcc')));
  return folder && dirname(dirname(realpathSync(join(folder, 'nvcc'))));
}
