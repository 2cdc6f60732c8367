/**
 * Draws the picture of docs/profiler.md into docs/images/, and prints the report that stands there. Run it on a machine
 * that does nothing else:
 *
 *     npm run build && node scripts/make-profile-images.mjs
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { profileLines } from '../dist/cli/profile-lines.js';
import { profileChart, profileLoader, renderSvg } from '../dist/index.js';

const folder = fileURLToPath(new URL('../docs/images/', import.meta.url));
const profile = await profileLoader(
  { gpus: 'cpu:1' },
  { onProgress: what => process.stderr.write(`measuring ${what}\n`) },
);
process.stdout.write(`${profileLines(profile)}\n`);
const chart = profileChart(profile);
for (const theme of ['light', 'dark']) {
  writeFileSync(`${folder}profile-loader-${theme}.svg`, await renderSvg(chart, { theme }));
}
