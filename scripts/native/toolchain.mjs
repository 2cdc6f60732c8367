// The compiler, and the command lines for LibTorch's headers and libraries.
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';

/** Hand-written loops are compiled once for each; native/kernels/dispatch.cc picks one at run time. */
const instructionSets =
  process.arch === 'x64'
    ? {
        base: ['-march=x86-64'],
        v3: ['-march=x86-64-v3'],
        v4: ['-march=x86-64-v4'],
        v4bf16: ['-march=x86-64-v4', '-mavx512bf16'],
      }
    : { base: [] };

/** @returns {{command: string, version: string, clang: boolean} | undefined} */
export function findCompiler(env = process.env) {
  for (const command of [env.CXX, 'c++', 'g++', 'clang++'].filter(Boolean)) {
    try {
      const text = execFileSync(command, ['--version'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      return { command, version: text.split('\n')[0].trim(), clang: /clang/i.test(text) };
    } catch {
      // Not installed under this name.
    }
  }
  return undefined;
}

/** A member left out of a brace list has its default from the struct: meant so. */
export const warnings = ['-Wall', '-Wextra', '-Wno-missing-field-initializers'];

/** Flags that every source gets, whether or not it sees LibTorch. */
function commonFlags(torch) {
  const flags = [`-std=${standard(torch.version)}`, '-O2', '-fPIC', '-fvisibility=hidden', ...warnings];
  if (process.platform !== 'darwin') flags.push('-fopenmp');
  if (torch.onednn) flags.push('-DGRADRING_ONEDNN=1');
  if (torch.cuda) flags.push('-DGRADRING_CUDA=1');
  if (torch.mps) flags.push('-DGRADRING_MPS=1');
  return flags;
}

/** LibTorch's headers ask for C++20 from 2.12 on. */
function standard(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > 2 || (major === 2 && minor >= 12) ? 'c++20' : 'c++17';
}

/** Flags of sources that see LibTorch. Its headers are system headers: their warnings are not ours to mend. */
export function torchFlags(torch) {
  return [
    ...commonFlags(torch),
    '-DNAPI_VERSION=8',
    `-D_GLIBCXX_USE_CXX11_ABI=${torch.cxx11Abi ? 1 : 0}`,
    ...['-isystem', nodeHeaders()],
    ...[...torch.includes, ...(torch.cuda?.includes ?? [])]
      .filter(notDefault)
      .flatMap(path => ['-isystem', path]),
  ];
}

export const nodeHeaders = () =>
  dirname(createRequire(import.meta.url).resolve('node-api-headers/include/node_api.h'));

/** -isystem /usr/include would reorder the compiler's own folders and break <cstdlib>. */
const notDefault = path => path !== '/usr/include';

/** Each name of an instruction set with the flags of its compilation. */
export function kernelFlags(torch) {
  return Object.entries(instructionSets).map(([name, march]) => ({
    name,
    flags: [...commonFlags(torch), '-O3', `-DGRADRING_ISA=${name}`, ...march],
  }));
}

/** Hand-written code without LibTorch in it. */
export const plainFlags = commonFlags;

/** What makes an addon of object files. */
export const addonLinkFlags = () =>
  process.platform === 'darwin'
    ? ['-bundle', '-undefined', 'dynamic_lookup']
    : // A name that is missing shows when the addon is loaded, not in the middle of a run.
      ['-shared', '-Wl,-z,now'];

/** What follows the object files on the line that links the torch engine's addon. */
export function linkFlags(torch) {
  if (process.platform === 'darwin')
    return [...addonLinkFlags(), ...torch.libraries, `-Wl,-rpath,${torch.libFolder}`];
  const folders = [torch.libFolder, ...torch.runtimeFolders];
  return [
    ...addonLinkFlags(),
    // libtorch_cuda registers its operations when loaded; nothing refers to it by name.
    '-Wl,--no-as-needed',
    ...torch.libraries,
    ...folders.map(folder => `-Wl,-rpath,${folder}`),
    '-fopenmp',
  ];
}
