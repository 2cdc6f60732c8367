/**
 * Charts as plain data: what is drawn, never how. A chart is JSON: saved beside its picture, it can be drawn again
 * in another size or theme. Numbers that are not finite become null, and are gaps in the picture.
 */
import { ConfigError } from '../errors.js';

export interface Axis {
  readonly label: string;
  /** Written in brackets after the label: `time (s)`. */
  readonly unit?: string;
  /** Logarithmic; values that are not above 0 are gaps. Default false. */
  readonly log?: boolean;
  /** Values are whole numbers: none is written between them. Default false. */
  readonly whole?: boolean;
  /** First and last value shown. Default: those of the data, rounded outwards. */
  readonly range?: readonly [number, number];
}

export interface Series {
  readonly name: string;
  readonly x: readonly (number | null)[];
  readonly y: readonly (number | null)[];
}

/** A place on the x axis worth pointing at: a dashed line with its name. */
export interface Mark {
  readonly x: number;
  readonly label: string;
}

export interface LineChart {
  readonly kind: 'line';
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  readonly marks: readonly Mark[];
}

/** An axis of cells: numbered along `range`, or one name for each. */
export interface CellAxis {
  readonly label: string;
  readonly unit?: string;
  /** The outer edges of the first and the last cell. Default 0 … number of cells. */
  readonly range?: readonly [number, number];
  /** One for each cell; rows then go downwards, as in a table. */
  readonly names?: readonly string[];
}

export interface ColorAxis {
  readonly label: string;
  readonly unit?: string;
  /** Colours by log(1 + value), so that 0 has one too; values must not be negative. Default false. */
  readonly log?: boolean;
  /** Values of the first and the last colour. Default: lowest and highest of the data. */
  readonly range?: readonly [number, number];
}

export interface HeatMap {
  readonly kind: 'heat';
  readonly title: string;
  readonly x: CellAxis;
  readonly y: CellAxis;
  readonly color: ColorAxis;
  /** [rows][columns]; row 0 is at the bottom, but at the top if the rows have names. */
  readonly values: readonly (readonly (number | null)[])[];
  /** Write each value in its cell. */
  readonly showValues: boolean;
}

/** Several charts in one picture, row by row. */
export interface ChartGrid {
  readonly kind: 'grid';
  readonly title: string;
  readonly columns: number;
  readonly charts: readonly (LineChart | HeatMap)[];
}

export type Chart = LineChart | HeatMap | ChartGrid;

type Numbers = ArrayLike<number | null>;

/** Plain array, null for what no axis can show. */
const plain = (values: Numbers): (number | null)[] =>
  Array.from(values, value => (Number.isFinite(value) ? value : null));

export interface LineChartOptions extends Pick<LineChart, 'title' | 'x' | 'y'> {
  /** Each x as long as its y. */
  readonly series: readonly { readonly name: string; readonly x: Numbers; readonly y: Numbers }[];
  readonly marks?: readonly Mark[];
}

/** Lines through the points of each series, in the order given. @throws ConfigError */
export function lineChart({ title, x, y, series, marks = [] }: LineChartOptions): LineChart {
  for (const one of series)
    if (one.x.length !== one.y.length)
      throw new ConfigError(`series ${one.name} has ${one.x.length} x but ${one.y.length} y.`, {
        where: `lineChart ${title}`,
      });
  const names = series.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined)
    throw new ConfigError(`two series are called ${twice}.`, {
      where: `lineChart ${title}`,
      hint: 'the names are what the legend tells them apart by',
    });
  const plainSeries = series.map(one => ({ name: one.name, x: plain(one.x), y: plain(one.y) }));
  return { kind: 'line', title, x, y, series: plainSeries, marks };
}

export interface HeatMapOptions extends Pick<HeatMap, 'title' | 'x' | 'y' | 'color'> {
  readonly values: readonly Numbers[];
  /** Default false. */
  readonly showValues?: boolean;
}

/** A rectangle of coloured cells. @throws ConfigError */
export function heatMap({ title, x, y, color, values, showValues = false }: HeatMapOptions): HeatMap {
  const where = `heatMap ${title}`;
  const columns = values[0]?.length ?? 0;
  if (columns === 0 || values.some(row => row.length !== columns))
    throw new ConfigError('values must be rows of one length, and at least one value.', { where });
  for (const [axis, cells] of [[x, columns] as const, [y, values.length] as const])
    if (axis.names && axis.names.length !== cells)
      throw new ConfigError(`${axis.label} has ${axis.names.length} names for ${cells} cells.`, { where });
  if (color.log && values.some(row => Array.from(row).some(value => value !== null && value < 0)))
    throw new ConfigError('a logarithmic colour has none for values below 0.', { where });
  return { kind: 'heat', title, x, y, color, values: values.map(plain), showValues };
}

export interface ChartGridOptions {
  /** Above all charts. Default none. */
  readonly title?: string;
  /** Default: as many as rows, rounded up. */
  readonly columns?: number;
  readonly charts: readonly (LineChart | HeatMap)[];
}

/** Several charts in one picture. @throws ConfigError */
export function chartGrid({ title = '', columns, charts }: ChartGridOptions): ChartGrid {
  if (charts.length === 0) throw new ConfigError('a grid needs at least one chart.', { where: 'chartGrid' });
  const across = columns ?? Math.ceil(Math.sqrt(charts.length));
  if (!Number.isInteger(across) || across < 1)
    throw new ConfigError(`columns must be a whole number above 0, not ${across}.`, { where: 'chartGrid' });
  return { kind: 'grid', title, columns: Math.min(across, charts.length), charts };
}

/** Label and unit, as axes and legends say them. */
export const axisTitle = ({ label, unit }: { label: string; unit?: string }): string =>
  unit ? `${label} (${unit})` : label;
