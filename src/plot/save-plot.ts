import { extname } from 'node:path';
import { writeAtomically } from '../atomic-write.js';
import { ConfigError } from '../errors.js';
import type { Chart } from './chart.js';
import { type PngOptions, renderPng, renderSvg } from './render.js';

/**
 * Draws the chart into a file, `.svg` or `.png` by its name, and puts its data beside it as JSON: `loss.svg` and
 * `loss.json`. Neither is ever seen half written.
 *
 * @returns the two paths
 * @throws ConfigError on another extension
 * @throws RunFolderError if a file cannot be written
 */
export async function savePlot(
  chart: Chart,
  path: string,
  options: PngOptions = {},
): Promise<{ picture: string; data: string }> {
  const extension = extname(path);
  const draw = { '.svg': renderSvg, '.png': renderPng }[extension.toLowerCase()];
  if (!draw)
    throw new ConfigError(`${path} is no name for a picture.`, {
      where: 'savePlot',
      hint: 'end it in .svg or .png',
    });
  const picture = await draw(chart, options);
  const data = `${path.slice(0, -extension.length)}.json`;
  writeAtomically(path, picture);
  writeAtomically(data, `${JSON.stringify(chart)}\n`);
  return { picture: path, data };
}
