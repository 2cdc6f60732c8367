/** The cells of a heat map as one picture: thousands of rectangles would make an SVG of megabytes. */
import type { HeatMap } from './chart.js';
import { colorRange, shade } from './heat-spec.js';

/** More cells than this, either way, are more than pixels: neighbours are averaged. */
const mostCells = 1600;

type Cells = readonly (readonly (number | null)[])[];

/**
 * A PNG with one pixel for each cell, as a data URL.
 * @param colorAt the colour, as CSS, of a place on the ramp 0 … 1
 */
export async function heatImage(chart: HeatMap, colorAt: (share: number) => string): Promise<string> {
  const across = chart.values.map(row => averaged(row, mostCells));
  const cells = columnsOf(columnsOf(across).map(column => averaged(column, mostCells)));
  const [rows, columns] = [cells.length, cells[0].length];
  const [low, high] = colorRange(chart);
  const lookup = Array.from({ length: 256 }, (_, i) => rgb(colorAt(i / 255)));
  const pixels = new Uint8Array(rows * columns * 4);
  for (let row = 0; row < rows; row++) {
    const values = cells[chart.y.names ? row : rows - 1 - row];
    for (const [column, value] of values.entries())
      if (value !== null)
        pixels.set(
          [...lookup[Math.round(shade(chart, value, low, high) * 255)], 255],
          (row * columns + column) * 4,
        );
  }
  const { default: sharp } = await import('sharp');
  const png = await sharp(pixels, { raw: { width: columns, height: rows, channels: 4 } })
    .png({ compressionLevel: 9 })
    .toBuffer();
  return `data:image/png;base64,${png.toString('base64')}`;
}

const columnsOf = (rows: Cells): (number | null)[][] =>
  rows[0].map((_, column) => rows.map(row => row[column]));

/** Means of at most `most` equal parts. */
function averaged(values: readonly (number | null)[], most: number): readonly (number | null)[] {
  if (values.length <= most) return values;
  return Array.from({ length: most }, (_, part) => {
    const start = Math.floor((part * values.length) / most);
    const end = Math.floor(((part + 1) * values.length) / most);
    const known = values.slice(start, end).filter(value => value !== null);
    return known.length > 0 ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
  });
}

/** Of `#rrggbb` or `rgb(r, g, b)`. */
function rgb(css: string): number[] {
  if (css.startsWith('#')) return [1, 3, 5].map(at => Number.parseInt(css.slice(at, at + 2), 16));
  return (css.match(/\d+/g) ?? []).slice(0, 3).map(Number);
}
