/** What the doctor says about LibTorch and the addon that was compiled for it. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { addonPath, isAddonBuilt } from '../engine/torch/addon.js';
import { readBuildStamp } from '../engine/torch/build-stamp.js';
import { packageRoot } from '../package-root.js';
import type { Finding } from './doctor-findings.js';

/** What scripts/native/locate.mjs finds. */
export interface LibTorch {
  readonly version: string;
  readonly source: string;
  readonly folder: string;
  readonly cuda: { readonly version: string } | null;
  readonly cudaLacking?: string;
  readonly onednn: string | null;
}

type Located = { readonly torch: LibTorch } | { readonly skipped: string; readonly advice: string };

/** The build's own scripts: the doctor looks with the same eyes. */
const buildScript = <T>(name: string): Promise<T> =>
  import(pathToFileURL(join(packageRoot(), 'scripts', 'native', name)).href);

const name = 'LibTorch';

export async function libTorchFinding(): Promise<{ finding: Finding; torch?: LibTorch }> {
  const { locate } = await buildScript<{ locate(): Located }>('locate.mjs');
  const located = locate();
  if ('skipped' in located) {
    return { finding: { name, state: 'absent', text: located.skipped, advice: located.advice } };
  }
  const { torch } = located;
  const { version, source, folder, cuda, cudaLacking, onednn } = torch;
  const text = `${version}, ${source} (${folder}), CUDA ${cuda?.version ?? 'no'}, oneDNN ${onednn ?? 'no'}`;
  if (cudaLacking === undefined) return { finding: { name, state: 'good', text }, torch };
  return { finding: { name, state: 'bad', text, advice: `For CUDA: ${cudaLacking}.` }, torch };
}

export async function addonFinding(torch: LibTorch | undefined): Promise<Finding> {
  const name = 'torch addon';
  const rebuild = 'npm run build:native';
  if (!isAddonBuilt()) return { name, state: 'absent', text: 'not built', advice: torch && rebuild };
  const stamp = readBuildStamp();
  const built = `built for LibTorch ${stamp?.version ?? 'of unknown version'}`;
  const failure = await loadFailure();
  if (failure !== undefined) {
    return { name, state: 'bad', text: `${built}, does not load: ${failure}`, advice: rebuild };
  }
  if (torch && !(await isCurrent(torch))) {
    return {
      name,
      state: 'bad',
      text: `${built}, loads, but is older than its sources or its LibTorch`,
      advice: rebuild,
    };
  }
  return { name, state: 'good', text: `${built}, loads` };
}

/** In a process of its own: a library that does not fit may end the process instead of throwing. */
async function loadFailure(): Promise<string | undefined> {
  try {
    await promisify(execFile)(process.execPath, ['-e', 'require(process.argv[1])', addonPath()], {
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    return undefined;
  } catch (error) {
    const { stderr = '', signal } = error as { stderr?: string; signal?: string };
    return (
      /^Error: (.*)$/m.exec(stderr)?.[1] ??
      (signal ? `the process died of ${signal}` : 'for no stated reason')
    );
  }
}

async function isCurrent(torch: LibTorch): Promise<boolean> {
  const sources = join(packageRoot(), 'native');
  const [{ isCurrent }, { findCompiler }] = await Promise.all([
    buildScript<{ isCurrent(job: object): boolean }>('compile.mjs'),
    buildScript<{ findCompiler(): object | undefined }>('toolchain.mjs'),
  ]);
  const compiler = findCompiler();
  // Without a compiler or sources there is nothing newer to be made.
  if (!compiler || !existsSync(sources)) return true;
  return isCurrent({ sources, out: dirname(addonPath()), target: addonPath(), torch, compiler });
}
