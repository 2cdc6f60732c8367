/** Draws charts: SVG by Vega-Lite, PNG by sharp. Neither is loaded before something is drawn. */
import { ConfigError } from '../errors.js';
import type { Chart, ChartGrid, HeatMap, LineChart } from './chart.js';
import { heatImage } from './heat-image.js';
import { heatSpec } from './heat-spec.js';
import { lineSpec } from './line-spec.js';
import type { Size } from './spec-frame.js';
import { escaped, svgToPng } from './svg.js';
import { font, palettes, ramp, type Theme, titleSize } from './theme.js';

export interface RenderOptions {
  /** Default `light`. */
  readonly theme?: Theme;
  /** Of the picture, in pixels. Default 720 × 420; of a grid 480 × 320 for each chart. */
  readonly width?: number;
  readonly height?: number;
}

export interface PngOptions extends RenderOptions {
  /** Pixels of the file for each of the picture. Default 2, sharp on most screens. */
  readonly scale?: number;
}

/** The chart as an SVG document. @throws ConfigError on a size or theme that is none */
export async function renderSvg(chart: Chart, options: RenderOptions = {}): Promise<string> {
  const { theme = 'light' } = options;
  if (!Object.hasOwn(palettes, theme))
    throw new ConfigError(`theme must be light or dark, not ${theme}.`, { where: 'theme' });
  const size = sizeOf(chart, options);
  return chart.kind === 'grid' ? gridSvg(chart, size, theme) : chartSvg(chart, size, theme);
}

/** The chart as a PNG file. @throws ConfigError */
export async function renderPng(chart: Chart, { scale = 2, ...options }: PngOptions = {}): Promise<Buffer> {
  if (!(scale > 0 && scale <= 8))
    throw new ConfigError(`scale must be above 0 and at most 8, not ${scale}.`, { where: 'renderPng' });
  const svg = await renderSvg(chart, options);
  return svgToPng(svg, scale);
}

/**
 * Names what clip paths and gradients are called `prefix`0, `prefix`1 …: Vega counts through all that a process
 * draws, and a grid holds several documents, in which no name may be there twice.
 */
function renamed(svg: string, prefix: string): string {
  const names = new Map(
    [...svg.matchAll(/\bid="([^"]+)"/g)].map(([, id], index) => [id, `${prefix}${index}`]),
  );
  return svg.replace(/(\bid="|url\(#)([^")]+)/g, (_, before, id) => `${before}${names.get(id) ?? id}`);
}

const gap = 8;
const gridTitle = 44;

function sizeOf(chart: Chart, { width, height }: RenderOptions): Size {
  const [columns, rows] =
    chart.kind === 'grid' ? [chart.columns, Math.ceil(chart.charts.length / chart.columns)] : [1, 1];
  const own =
    chart.kind === 'grid' ? { width: 480 * columns, height: 320 * rows } : { width: 720, height: 420 };
  const size = { width: width ?? own.width, height: height ?? own.height };
  for (const [name, value] of Object.entries(size))
    if (!Number.isInteger(value) || value < 100 || value > 20_000)
      throw new ConfigError(`${name} must be a whole number of pixels, 100 … 20000, not ${value}.`, {
        where: 'renderSvg',
      });
  return size;
}

async function chartSvg(chart: LineChart | HeatMap, size: Size, theme: Theme): Promise<string> {
  const [vega, vegaLite] = await Promise.all([import('vega'), import('vega-lite')]);
  const palette = palettes[theme];
  const spec =
    chart.kind === 'line'
      ? lineSpec(chart, size, palette)
      : heatSpec(chart, await heatImage(chart, vega.scheme(ramp)), size, palette);
  // A library does not print. What is wrong with a chart is found before Vega sees it.
  const logger = vega.logger(vega.None);
  const runtime = vega.parse(vegaLite.compile(spec, { logger }).spec);
  const view = new vega.View(runtime, { renderer: 'none', logger });
  try {
    return renamed(await view.toSVG(), 'd');
  } finally {
    view.finalize();
  }
}

/** Each chart is a document of its own, laid side by side: so the picture has exactly the size asked for. */
async function gridSvg(
  { title, columns, charts }: ChartGrid,
  { width, height }: Size,
  theme: Theme,
): Promise<string> {
  const palette = palettes[theme];
  const top = title ? gridTitle : 0;
  const rows = Math.ceil(charts.length / columns);
  const cell = {
    width: Math.floor((width - gap * (columns - 1)) / columns),
    height: Math.floor((height - top - gap * (rows - 1)) / rows),
  };
  const parts: string[] = [];
  for (const [index, chart] of charts.entries()) {
    const x = (index % columns) * (cell.width + gap);
    const y = top + Math.floor(index / columns) * (cell.height + gap);
    const svg = await chartSvg(chart, cell, theme);
    const named = renamed(svg, `c${index}-`).replace(/^<svg /, `<svg x="${x}" y="${y}" `);
    parts.push(named);
  }
  const heading = title
    ? `<text x="16" y="28" font-family="${escaped(font)}" font-size="${titleSize + 2}" font-weight="600" fill="${palette.text}">${escaped(title)}</text>`
    : '';
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">` +
    `<rect width="${width}" height="${height}" fill="${palette.background}"/>${heading}${parts.join('')}</svg>`
  );
}
