/** Thins series out to what a picture or a terminal has room for. */
import type { Series } from './chart.js';

type Values = readonly (number | null)[];

/**
 * Leaves of a longer series the first, lowest, highest and last point of each of `buckets` equal parts, in their
 * order: on as many pixels the line looks the same, peaks included (Jugel et al., M4, 2014).
 */
export function decimate(series: Series, buckets: number): Series {
  const { name, x, y } = series;
  if (y.length <= buckets * 4) return series;
  const kept: number[] = [];
  for (let bucket = 0; bucket < buckets; bucket++) {
    const start = Math.floor((bucket * y.length) / buckets);
    const end = Math.floor(((bucket + 1) * y.length) / buckets);
    kept.push(...new Set(corners(y, start, end)));
  }
  return { name, x: kept.map(i => x[i]), y: kept.map(i => y[i]) };
}

/** Indices, ascending, of the first, lowest, highest and last of y[start … end), and of a gap if there is one. */
function corners(y: Values, start: number, end: number): number[] {
  let lowest = start;
  let highest = start;
  let gap = start;
  for (let i = start; i < end; i++) {
    const value = y[i];
    if (value === null) gap = i;
    else {
      if (y[lowest] === null || value < (y[lowest] as number)) lowest = i;
      if (y[highest] === null || value > (y[highest] as number)) highest = i;
    }
  }
  return [start, lowest, highest, gap, end - 1].sort((a, b) => a - b);
}

/** Means of `count` equal parts of the values; of fewer values, the values themselves. Gaps are left out. */
export function means(values: Values, count: number): number[] {
  const parts = Math.min(count, values.length);
  const result: number[] = [];
  for (let part = 0; part < parts; part++) {
    const start = Math.floor((part * values.length) / parts);
    const end = Math.floor(((part + 1) * values.length) / parts);
    const known = values.slice(start, end).filter(value => value !== null);
    result.push(known.length > 0 ? known.reduce((sum, value) => sum + value, 0) / known.length : Number.NaN);
  }
  return result;
}
