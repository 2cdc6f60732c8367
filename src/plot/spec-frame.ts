/** What the specifications of all charts have in common. */
import { font, type Palette, textSize, titleSize } from './theme.js';

export interface Size {
  /** Of the whole picture, in pixels. */
  readonly width: number;
  readonly height: number;
}

/** Size, title and colours of a specification. */
export function frame(title: string, { width, height }: Size, palette: Palette) {
  const { text, line, grid, background } = palette;
  const labels = { labelColor: text, titleColor: text, labelFontSize: textSize, titleFontSize: textSize };
  return {
    width,
    height,
    background,
    padding: 12,
    autosize: { type: 'fit', contains: 'padding' },
    ...(title ? { title } : {}),
    config: {
      font,
      title: { color: text, fontSize: titleSize, fontWeight: 600, anchor: 'start', offset: 12 },
      axis: {
        ...labels,
        titleFontWeight: 'normal',
        titlePadding: 8,
        domainColor: line,
        tickColor: line,
        gridColor: grid,
        labelOverlap: 'greedy',
      },
      legend: { ...labels, titleFontWeight: 'normal', labelLimit: 260, symbolStrokeWidth: 3 },
      view: { stroke: null },
      range: { category: palette.series },
    },
  } as const;
}

/** About how many numbers an axis has room for. */
export const tickCount = (field: 'x' | 'y', { width, height }: Size): number =>
  Math.max(3, Math.round(field === 'x' ? width / 90 : height / 70));

/** Smallest and largest value that the axis can show; undefined if there is none. */
export function extent(values: Iterable<number | null>, log = false): [number, number] | undefined {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value === null || (log && value <= 0)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : undefined;
}

/** Powers of ten from one below `low` to one above `high`, for an axis made round to them; every nth if many. */
export function powersOfTen(low: number, high: number): number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const every = Math.ceil((last - first) / 9);
  return Array.from({ length: Math.floor((last - first) / every) + 1 }, (_, i) => 10 ** (first + i * every));
}

export const all = (lists: readonly (readonly (number | null)[])[]): (number | null)[] => lists.flat();
