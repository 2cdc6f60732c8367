/** What the doctor says about LibTorch and the addon that was compiled for it. */
import { dirname } from 'node:path';
import { addonPath, isAddonBuilt } from '../engine/torch/addon.js';
import { readBuildStamp } from '../engine/torch/build-stamp.js';
import { buildScript, isCurrent, loadFailure } from './built-addon.js';
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
  const failure = await loadFailure(addonPath());
  if (failure !== undefined) {
    return { name, state: 'bad', text: `${built}, does not load: ${failure}`, advice: rebuild };
  }
  if (torch && !(await isBuiltFor(torch))) {
    return {
      name,
      state: 'bad',
      text: `${built}, loads, but is older than its sources or its LibTorch`,
      advice: rebuild,
    };
  }
  return { name, state: 'good', text: `${built}, loads` };
}

async function isBuiltFor(torch: LibTorch): Promise<boolean> {
  const { planTorch } = await buildScript<{ planTorch(of: object): object }>('plan-torch.mjs');
  const out = dirname(addonPath());
  return isCurrent(addonPath(), ['native'], async (sources, compiler) =>
    planTorch({ sources, out, torch, compiler }),
  );
}
