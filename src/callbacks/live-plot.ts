/** The loss curve as characters, for the terminal. */
import { createRequire } from 'node:module';
import { styleText } from 'node:util';
import { means } from '../plot/decimate.js';
import type { LossHistory } from './loss-curve.js';

interface AsciiChart {
  plot(
    series: readonly number[],
    options: { min: number; max: number; height: number; offset: number; format: (value: number) => string },
  ): string;
}

/** Loaded when the first curve is drawn. */
const asciichart = (): AsciiChart => createRequire(import.meta.url)('asciichart');

const height = 7;
/** Of the labels and the axis to the right of them. */
const labelWidth = 8;
const axisWidth = labelWidth + 1;
const narrowest = 24;
const dot = '●';
/** Slower than the bars: a curve changes little from one batch to the next. */
const redrawEveryMs = 1000;

/** Draws a `LossHistory`, but not again within a second of the last time, whatever it is asked. */
export class LivePlot {
  #lines: readonly string[] = [];
  #drawnAtMs = Number.NEGATIVE_INFINITY;
  #columns = 0;

  /** Lines of fewer than `columns` characters; none where there is no room, or fewer than two losses. */
  lines(history: LossHistory, columns: number, nowMs: number): readonly string[] {
    if (nowMs - this.#drawnAtMs < redrawEveryMs && columns === this.#columns) return this.#lines;
    this.#drawnAtMs = nowMs;
    this.#columns = columns;
    this.#lines = drawLosses(history, columns);
    return this.#lines;
  }
}

/** Training loss as a line, thinned out to the width by means; each validation as a dot. */
export function drawLosses({ train, valid }: LossHistory, columns: number): string[] {
  const width = columns - axisWidth - 2;
  const known = means(train.y.filter(Number.isFinite), width);
  if (width < narrowest || known.length < 2) return [];
  const losses = stretched(known, width);
  const validations = valid.y.filter(Number.isFinite);
  const [min, max] = [Math.min(...losses, ...validations), Math.max(...losses, ...validations)];
  const format = (value: number): string => value.toPrecision(3).slice(0, labelWidth).padStart(labelWidth);
  // The label counts as one of the two cells before the curve.
  const text = asciichart().plot(losses, { min, max, height, offset: 2, format });
  const cells = text.split('\n').map(line => [...line]);
  const [first, last] = [train.x[0], train.x[train.x.length - 1]];
  for (const [i, y] of valid.y.entries()) {
    const share = Math.min(1, (valid.x[i] - first) / (last - first));
    if (!Number.isFinite(y) || share < 0) continue;
    const row = max > min ? Math.round(((max - y) / (max - min)) * (cells.length - 1)) : 0;
    cells[row][axisWidth + Math.round(share * (losses.length - 2))] = dot;
  }
  const caption = `${' '.repeat(axisWidth)}training loss, batches ${first} … ${last}`;
  const more = validations.length > 0 ? `   ${dot} validation` : '';
  return [...cells.map(row => row.join('').trimEnd()), (caption + more).slice(0, columns - 1)];
}

/** Fewer values than `count`, spread over it; straight lines between them. */
function stretched(values: readonly number[], count: number): readonly number[] {
  if (values.length >= count) return values;
  return Array.from({ length: count }, (_, i) => {
    const place = (i / (count - 1)) * (values.length - 1);
    const left = Math.min(Math.floor(place), values.length - 2);
    return values[left] + (values[left + 1] - values[left]) * (place - left);
  });
}

/** The dots of the validations in colour. */
export const paintDots = (line: string): string =>
  line.replaceAll(dot, styleText('yellow', dot, { validateStream: false }));
