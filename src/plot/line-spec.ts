/** Line charts as Vega-Lite specifications. */
import type { TopLevelSpec } from 'vega-lite';
import { type Axis, axisTitle, type LineChart } from './chart.js';
import { decimate } from './decimate.js';
import { all, extent, frame, powersOfTen, type Size, tickCount } from './spec-frame.js';
import { type Palette, textSize } from './theme.js';

/** 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10 …: what people write. */
const powerLabel =
  "datum.value >= 0.01 && datum.value < 10000 ? format(datum.value, '.3~r') : format(datum.value, '.2~e')";

/** What the axis shows: its range, or else that of the data, widened if it is a single value. */
function domainOf({ range, log }: Axis, values: Iterable<number | null>): [number, number] {
  const [low, high] = range ?? extent(values, log) ?? [1, 10];
  if (low < high) return [low, high];
  return log ? [low / 2, low * 2] : [low - 1, low + 1];
}

function position(field: 'x' | 'y', axis: Axis, domain: readonly [number, number], size: Size) {
  const [low, high] = domain;
  const powers = high / low >= 100 ? { values: powersOfTen(low, high), labelExpr: powerLabel } : {};
  const format = axis.whole ? { format: ',d', tickMinStep: 1 } : high < 1e-3 ? { format: '~e' } : {};
  const linear = { tickCount: tickCount(field, size), ...format };
  // The x axis ends where the data ends; the y axis at round numbers.
  const common = { domain, nice: field === 'y' && !axis.range };
  return {
    field,
    type: 'quantitative',
    title: axisTitle(axis),
    scale: axis.log ? { type: 'log', ...common } : { type: 'linear', zero: false, ...common },
    axis: { ...(axis.log ? powers : linear), grid: field === 'y' || Boolean(axis.log) },
  };
}

/** How many of the series fit beside each other over the chart: at most 4, as many as their longest name allows. */
function legendColumns(series: LineChart['series'], { width }: Size): number {
  const letters = Math.max(...series.map(({ name }) => name.length));
  // A letter is about 0.65 of the text's size wide; the line before it and the gap after it take 55 pixels.
  const entry = letters * textSize * 0.65 + 55;
  return Math.max(1, Math.min(4, Math.floor((width - 60) / entry)));
}

export function lineSpec(chart: LineChart, size: Size, palette: Palette): TopLevelSpec {
  const shown = chart.series.map(series => decimate(series, size.width));
  const domains = {
    x: domainOf(chart.x, all(shown.map(({ x }) => x))),
    y: domainOf(chart.y, all(shown.map(({ y }) => y))),
  };
  const points = shown.flatMap(({ name, x, y }) =>
    x.map((value, i) => ({
      series: name,
      index: i,
      x: chart.x.log && value !== null && value <= 0 ? null : value,
      y: chart.y.log && (y[i] ?? 1) <= 0 ? null : y[i],
    })),
  );
  // Only where something lies outside: a line along the edge would lose half its thickness.
  const outside = (value: number | null, [low, high]: readonly [number, number]): boolean =>
    value !== null && (value < low || value > high);
  const clip = points.some(({ x, y }) => outside(x, domains.x) || outside(y, domains.y));
  // A line of a few points, one per epoch say, shows them: between them it is only drawn, not measured.
  const few = shown.filter(({ x }) => x.length <= 30).map(({ name }) => name);
  const columns = legendColumns(shown, size);
  const color = {
    field: 'series',
    type: 'nominal',
    scale: { domain: shown.map(({ name }) => name) },
    legend:
      shown.length > 1 ? { orient: 'top', title: null, offset: 6, columns, symbolType: 'stroke' } : null,
  };
  const encoding = {
    x: position('x', chart.x, domains.x, size),
    y: position('y', chart.y, domains.y, size),
    color,
    order: { field: 'index' },
  };
  return {
    ...frame(chart.title, size, palette),
    data: { values: points },
    layer: [
      { mark: { type: 'line', strokeWidth: 2, strokeJoin: 'round', clip }, encoding },
      {
        transform: [
          { filter: { field: 'series', oneOf: few } },
          { filter: 'datum.y !== null && datum.x !== null' },
        ],
        mark: { type: 'circle', size: 40, opacity: 1, clip },
        encoding,
      },
      ...markLayers(chart, domains.x, palette),
    ],
  } as TopLevelSpec;
}

/** Dashed lines with their names at the top, each a line of text lower than the one before. */
function markLayers({ marks, x: axis }: LineChart, domain: readonly [number, number], palette: Palette) {
  const [low, high] = axis.log ? domain.map(Math.log) : domain;
  const x = { field: 'x', type: 'quantitative' };
  const rules = { mark: { type: 'rule', strokeDash: [5, 4], color: palette.text }, encoding: { x } };
  const names = marks.flatMap((mark, index) => {
    // Near the right end the name stands to the left of its line.
    const right = ((axis.log ? Math.log(mark.x) : mark.x) - low) / (high - low) > 0.75;
    const place = { align: right ? 'right' : 'left', dx: right ? -6 : 6, dy: 2 + index * (textSize + 5) };
    const text = { type: 'text', baseline: 'top', fontSize: textSize, ...place };
    const encoding = { x, y: { value: 0 }, text: { field: 'label' } };
    const data = { values: [mark] };
    // The first, in the colour of the background, keeps the lines away from the letters.
    const halo = { ...text, color: palette.background, stroke: palette.background, strokeWidth: 5 };
    return [
      { data, mark: halo, encoding },
      { data, mark: { ...text, color: palette.text }, encoding },
    ];
  });
  return marks.length > 0 ? [{ data: { values: marks }, ...rules }, ...names] : [];
}
