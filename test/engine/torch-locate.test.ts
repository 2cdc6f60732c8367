/** Finding LibTorch, in folders laid out as wheels, Debian and the LibTorch archive lay them out. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { type FoundTorch, locate, torchFlags } from '../fixtures/build-scripts.js';

const linux = { skip: process.platform !== 'linux' && 'the layouts are those of Linux' };

function write(folder: string, files: Record<string, string>): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const versionHeader = (major: number, minor: number): string =>
  `#define TORCH_VERSION_MAJOR ${major}\n#define TORCH_VERSION_MINOR ${minor}\n#define TORCH_VERSION_PATCH 1\n`;

const torchFiles = {
  'include/ATen/ATen.h': '',
  'include/torch/headeronly/version.h': versionHeader(2, 11),
  'lib/libtorch_cpu.so': '',
  'lib/libc10.so': '_ZN3c105ErrorC1ENS_14SourceLocationENSt7__cxx1112basic_string',
};

const cudaTorchFiles = { ...torchFiles, 'lib/libtorch_cuda.so': '', 'lib/libc10_cuda.so': '' };
const cudaHeaders = (version: number): Record<string, string> => ({
  'include/cuda_runtime_api.h': `#define CUDART_VERSION  ${version}\n`,
  'include/crt/host_defines.h': '',
});

/** With an empty system and no Python, unless the test says otherwise. */
const nowhere = { GRADRING_SYSROOT: '/nonexistent', PATH: '' };

function found(env: NodeJS.ProcessEnv): FoundTorch {
  const located = locate({ ...nowhere, ...env });
  if ('skipped' in located) throw new Error(located.skipped);
  return located.torch;
}

t.test('none: off, nothing there, and a folder that is none', linux, async t => {
  t.match(locate({ ...nowhere, GRADRING_LIBTORCH: 'off' }), { skipped: /off/ });
  t.match(locate(nowhere), { skipped: /no LibTorch found/, advice: /pip install torch/ });
  t.match(locate({ ...nowhere, GRADRING_LIBTORCH: t.testdir() }), { skipped: /holds no LibTorch/ });
});

t.test('a folder that the user names', linux, async t => {
  const folder = write(t.testdir(), torchFiles);
  const torch = found({ GRADRING_LIBTORCH: folder });
  t.match(torch, { version: '2.11.1', folder, cuda: null, onednn: null, cxx11Abi: true });
  t.strictSame(torch.libraries, [join(folder, 'lib/libtorch_cpu.so'), join(folder, 'lib/libc10.so')]);
  t.ok(torchFlags(torch).includes('-std=c++17'));
});

t.test(
  'from 2.12 on the headers are C++20; the old string ABI and a bundled OpenMP are seen',
  linux,
  async t => {
    const folder = write(t.testdir(), {
      ...torchFiles,
      'include/torch/headeronly/version.h': versionHeader(2, 12),
      'lib/libc10.so': '_ZN3c105ErrorC1ENS_14SourceLocationESs',
      'lib/libgomp-24e2ab19.so.1.0.0': '',
    });
    const torch = found({ GRADRING_LIBTORCH: folder });
    t.ok(torchFlags(torch).includes('-std=c++20'));
    t.ok(torchFlags(torch).includes('-D_GLIBCXX_USE_CXX11_ABI=0'));
    t.equal(torch.libraries.at(-1), join(folder, 'lib/libgomp-24e2ab19.so.1.0.0'));
  },
);

t.test("a Python's torch is found without importing it", linux, async t => {
  const site = t.testdir();
  write(join(site, 'torch'), { ...torchFiles, '__init__.py': 'raise Exception("imported")' });
  const bin = t.testdirName.concat('-bin');
  write(bin, { python3: `#!/bin/sh\necho '${site}/torch/__init__.py'\n` });
  chmodSync(join(bin, 'python3'), 0o755);
  const torch = found({ PATH: bin });
  t.match(torch, { source: /torch package of python3/, folder: join(site, 'torch') });
});

t.test("Debian: headers and oneDNN in /usr/include, also for its Python's torch", linux, async t => {
  const root = write(t.testdir(), {
    'usr/include/ATen/ATen.h': '',
    'usr/include/torch/csrc/api/include/torch/version.h': versionHeader(1, 13),
    'usr/include/oneapi/dnnl/dnnl_version.h':
      '#define DNNL_VERSION_MAJOR 2\n#define DNNL_VERSION_MINOR 6\n#define DNNL_VERSION_PATCH 3\n',
    'usr/lib/x86_64-linux-gnu/libtorch_cpu.so': '',
    'usr/lib/x86_64-linux-gnu/libc10.so': '',
    'usr/lib/x86_64-linux-gnu/libdnnl.so': '',
    'usr/lib/python3/dist-packages/torch/version.py': "__version__ = '1.13.0a0'\n",
  });
  const system = found({ GRADRING_SYSROOT: root });
  t.match(system, { version: '1.13.1', onednn: '2.6.3', libFolder: join(root, 'usr/lib/x86_64-linux-gnu') });
  const python = join(root, 'usr/lib/python3/dist-packages/torch');
  t.match(found({ GRADRING_SYSROOT: root, GRADRING_LIBTORCH: python }), { libFolder: system.libFolder });
});

t.test('CUDA from wheels: headers in several folders, the runtime among them', linux, async t => {
  const site = t.testdir();
  const folder = write(join(site, 'torch'), cudaTorchFiles);
  const runtime = 'nvidia/cu13/lib/libcudart.so.13';
  write(site, { [runtime]: '', 'nvidia/cu13/include/cuda_runtime_api.h': '#define CUDART_VERSION  13000' });
  const lacking = found({ GRADRING_LIBTORCH: folder });
  t.equal(lacking.cuda, null);
  t.match(lacking.cudaLacking, /nvidia-cuda-crt==13\.0\.\*/);
  t.notOk(torchFlags(lacking).includes('-DGRADRING_CUDA=1'));

  write(site, { 'nvidia/cuda_crt/include/crt/host_defines.h': '' });
  const torch = found({ GRADRING_LIBTORCH: folder });
  t.match(torch.cuda, { version: '13.0', runtime: join(site, runtime) });
  t.equal(torch.cuda?.includes.length, 2);
  t.ok(torchFlags(torch).includes('-DGRADRING_CUDA=1'));
  t.ok(torch.libraries.includes(join(site, runtime)));
});

t.test('CUDA from a toolkit, only of the version that LibTorch runs on', linux, async t => {
  const site = t.testdir();
  const folder = write(join(site, 'torch'), cudaTorchFiles);
  write(site, { 'nvidia/cu13/lib/libcudart.so.13': '' });
  const old = write(join(site, 'cuda-12'), cudaHeaders(12080));
  t.match(found({ GRADRING_LIBTORCH: folder, CUDA_HOME: old }), { cuda: null, cudaLacking: /CUDA 13/ });
  const toolkit = write(join(site, 'cuda-13'), { ...cudaHeaders(13010), 'bin/nvcc': '' });
  t.match(found({ GRADRING_LIBTORCH: folder, PATH: join(toolkit, 'bin') }).cuda, {
    version: '13.1',
    includes: [join(toolkit, 'include')],
  });
});
