/** Heat maps as Vega-Lite specifications. */
import type { TopLevelSpec } from 'vega-lite';
import { axisTitle, type CellAxis, type HeatMap } from './chart.js';
import { all, extent, frame, powersOfTen, type Size, tickCount } from './spec-frame.js';
import { type Palette, ramp, textSize } from './theme.js';

/** @param image URL of the cells' picture, drawn over the whole plot */
export function heatSpec(chart: HeatMap, image: string, size: Size, palette: Palette): TopLevelSpec {
  const [rows, columns] = [chart.values.length, chart.values[0].length];
  const [low, high] = colorRange(chart);
  return {
    ...frame(chart.title, size, palette),
    layer: [
      {
        data: { values: [{ url: image }] },
        mark: {
          type: 'image',
          aspect: false,
          align: 'left',
          baseline: 'top',
          width: { expr: 'width' },
          height: { expr: 'height' },
          smooth: false,
        },
        encoding: { url: { field: 'url' }, x: { value: 0 }, y: { value: 0 } },
      },
      {
        // Draws nothing: the axes and the legend are what it is for.
        data: { values: corners(chart, columns, rows, [low, high]) },
        mark: { type: 'point', opacity: 0 },
        encoding: {
          x: cellPosition('x', chart.x, columns, size),
          y: cellPosition('y', chart.y, rows, size),
          color: {
            field: 'value',
            type: 'quantitative',
            title: axisTitle(chart.color),
            scale: {
              domain: [scaled(chart, low), scaled(chart, high)],
              scheme: ramp,
              nice: false,
              zero: false,
            },
            legend: colorLegend(chart, Math.max(60, size.height - 190), low, high),
          },
        },
      },
      ...(chart.showValues ? [valueLayer(chart, [low, high])] : []),
    ],
  } as TopLevelSpec;
}

/** Values of the first and the last colour; never the same. */
export function colorRange({ color, values }: HeatMap): [number, number] {
  const [low, high] = color.range ?? extent(all(values)) ?? [0, 1];
  return low < high ? [low, high] : [low, low + 1];
}

/**
 * Of a logarithmic colour: 0 and the powers of ten. The scale is of the logarithms, and the labels undo that, for Vega
 * would mix the legend's colours at even steps of the values.
 */
function colorLegend(chart: HeatMap, gradientLength: number, low: number, high: number) {
  const format = high >= 1e5 ? '.3~s' : ',.4~r';
  if (!chart.color.log) return { gradientLength, tickCount: 5, ...(high >= 1e5 ? { format } : {}) };
  const ticks = [0, ...powersOfTen(Math.max(low, high / 1e6), high)].filter(
    value => value >= low && value <= high,
  );
  const kept: number[] = [];
  for (const tick of ticks) {
    const room =
      (shade(chart, tick, low, high) - shade(chart, kept.at(-1) ?? low, low, high)) * gradientLength;
    if (kept.length === 0 || room > textSize) kept.push(tick);
  }
  return {
    gradientLength,
    values: kept.map(value => scaled(chart, value)),
    labelExpr: `format(exp(datum.value) - 1, '${format}')`,
    labelOverlap: false,
  };
}

const edges = ({ range }: CellAxis, cells: number): readonly [number, number] => range ?? [0, cells];

/** One datum for every name of an axis, and at least two, for the scales to span. */
function corners(chart: HeatMap, columns: number, rows: number, range: readonly [number, number]) {
  const ends = [edges(chart.x, columns), edges(chart.y, rows)];
  const count = Math.max(2, chart.x.names ? columns : 0, chart.y.names ? rows : 0);
  return Array.from({ length: count }, (_, i) => ({
    x: chart.x.names ? chart.x.names[i % columns] : ends[0][i % 2],
    y: chart.y.names ? chart.y.names[i % rows] : ends[1][i % 2],
    value: scaled(chart, range[i % 2]),
  }));
}

function cellPosition(field: 'x' | 'y', axis: CellAxis, cells: number, size: Size) {
  const title = axisTitle(axis);
  if (axis.names) {
    const scale = { domain: axis.names, paddingInner: 0, paddingOuter: 0, type: 'band' };
    const turned = field === 'x' && axis.names.some(name => name.length > 3);
    return {
      field,
      type: 'nominal',
      title,
      scale,
      axis: { labelAngle: turned ? -40 : 0, labelLimit: 140, labelOverlap: cells > 40 },
    };
  }
  const scale = { domain: edges(axis, cells), nice: false, zero: false };
  return {
    field,
    type: 'quantitative',
    title,
    scale,
    axis: { grid: false, tickCount: tickCount(field, size) },
  };
}

function valueLayer(chart: HeatMap, [low, high]: readonly [number, number]) {
  const values = chart.values.flatMap((row, r) =>
    row.map((value, c) => ({
      x: (c + 0.5) / row.length,
      y: (chart.y.names ? r + 0.5 : chart.values.length - r - 0.5) / chart.values.length,
      text: value === null ? '' : String(Number(value.toPrecision(3))),
      // The ramp's upper half is light.
      bright: value !== null && shade(chart, value, low, high) > 0.55,
    })),
  );
  return {
    data: { values },
    mark: {
      type: 'text',
      fontSize: textSize - 2,
      x: { expr: 'datum.x * width' },
      y: { expr: 'datum.y * height' },
    },
    encoding: {
      text: { field: 'text' },
      color: { condition: { test: 'datum.bright', value: '#1f2328' }, value: '#ffffff' },
    },
  };
}

/** What the colours are even steps of. */
const scaled = ({ color }: HeatMap, value: number): number => (color.log ? Math.log1p(value) : value);

/** Place of a value on the colour ramp, 0 … 1; the scale of the legend. */
export function shade(chart: HeatMap, value: number, low: number, high: number): number {
  const [from, to] = [scaled(chart, low), scaled(chart, high)];
  return Math.min(1, Math.max(0, (scaled(chart, value) - from) / (to - from)));
}
