/** What the doctor says about the image addon. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { imageAddon, imageAddonPath } from '../data/image-addon.js';
import { buildScript, isCurrent, loadFailure } from './built-addon.js';
import type { Finding } from './doctor-findings.js';

interface ImageLibrary {
  readonly name: string;
  readonly install: string;
}

interface Libraries {
  readonly found: readonly ImageLibrary[];
  readonly missing: readonly ImageLibrary[];
}

interface PlanImages {
  imageLibraries(names: readonly string[]): Libraries;
  planImages(of: object): object;
}

const name = 'image addon';
const rebuild = 'npm run build:native -- images';

export async function imagesFinding(): Promise<Finding> {
  if (process.env.GRADRING_IMAGES === 'off') return { name, state: 'absent', text: 'GRADRING_IMAGES=off' };
  const addon = imageAddonPath();
  const { imageLibraries, planImages } = await buildScript<PlanImages>('plan-images.mjs');
  const { found, missing } = imageLibraries(builtWith());
  const install = missing.map(library => library.install).join(' ');
  const advice = install ? `for faster decoding: apt install ${install}; ${rebuild}` : undefined;
  if (!existsSync(addon))
    return { name, state: 'absent', text: 'not built: images are decoded and copied slower', advice };
  const failure = await loadFailure(addon);
  if (failure !== undefined)
    return { name, state: 'bad', text: `does not load: ${failure}`, advice: rebuild };
  const isNew = await isCurrent(addon, ['native', 'images'], async (sources, compiler) =>
    planImages({ sources, out: dirname(addon), found, compiler }),
  );
  if (!isNew) return { name, state: 'bad', text: 'older than its sources or its libraries', advice: rebuild };
  const names = found.map(library => library.name).join(' and ') || 'without decoders';
  const text = found.length > 0 && !reduces() ? `${names}; without AVX2, sharp resizes` : names;
  return { name, state: 'good', text, advice };
}

function reduces(): boolean {
  const { reducePng, reduceJpeg } = imageAddon();
  return reducePng !== undefined || reduceJpeg !== undefined;
}

/** Names of the libraries it has; `scripts/build-native.mjs` writes them down. */
function builtWith(): readonly string[] {
  try {
    const stamp = readFileSync(join(dirname(imageAddonPath()), 'build.json'), 'utf8');
    return (JSON.parse(stamp) as { libraries: string[] }).libraries;
  } catch {
    // Not built, or cut short.
    return [];
  }
}
