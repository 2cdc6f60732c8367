/** What the doctor says about the compiled image decoders. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { compiledPath } from '../data/decode/compiled-decoders.js';
import { buildScript, findCompiler, isCurrent, loadFailure } from './built-addon.js';
import type { Finding } from './doctor-findings.js';

interface ImageLibrary {
  readonly name: string;
  readonly install: string;
}

interface PlanImages {
  locateImageLibraries(compiler: object): { found: ImageLibrary[]; missing: ImageLibrary[] };
  planImages(of: object): object;
}

const name = 'image decoders';
const rebuild = 'npm run build:native';

export async function imagesFinding(): Promise<Finding> {
  if (process.env.GRADRING_IMAGES === 'off') return { name, state: 'absent', text: 'GRADRING_IMAGES=off' };
  const compiler = await findCompiler();
  if (!existsSync(compiledPath()) && compiler === undefined)
    return { name, state: 'absent', text: 'not built, and there is no C++ compiler' };
  const images = await buildScript<PlanImages>('plan-images.mjs');
  const { found, missing } = compiler ? images.locateImageLibraries(compiler) : { found: [], missing: [] };
  const install =
    missing.length > 0 ? [`apt install ${missing.map(library => library.install).join(' ')}`] : [];
  const advice = [...install, rebuild].join('; ');
  if (!existsSync(compiledPath()))
    return { name, state: 'absent', text: 'not built: PNGs and JPEGs are decoded slower', advice };
  const failure = await loadFailure(compiledPath());
  if (failure !== undefined) return { name, state: 'bad', text: `do not load: ${failure}`, advice: rebuild };
  const out = dirname(compiledPath());
  const isNew = await isCurrent(compiledPath(), ['native', 'images'], async (sources, withCompiler) =>
    images.planImages({ sources, out, found, compiler: withCompiler }),
  );
  if (!isNew)
    return { name, state: 'bad', text: 'older than their sources or their libraries', advice: rebuild };
  const names = found.map(library => library.name).join(', ');
  return { name, state: 'good', text: names || 'built', advice: install.length > 0 ? advice : undefined };
}
