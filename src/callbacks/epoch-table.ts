import { type MetricsRow, metricsOf } from '../learner/metrics-row.js';
import { duration, grouped, percent } from './number-format.js';

interface Column {
  readonly title: string;
  readonly width: number;
  readonly cell: (train?: MetricsRow, valid?: MetricsRow) => string;
}

const fixed = (row?: MetricsRow): string => (row ? row.loss.toFixed(4) : '');
const share = (value: number | undefined): string => (value === undefined ? '' : percent(value));

/** Accuracies are shares, and people read them in per cent. */
const metricText = (name: string, value: number): string =>
  /accuracy$/i.test(name) ? `${percent(value, 1)} %` : value.toFixed(4);

function metricColumn(name: string): Column {
  return {
    title: name,
    width: Math.max(8, name.length),
    cell: (train, valid) => {
      const value = (valid ?? train)?.[name];
      return typeof value === 'number' ? metricText(name, value) : '';
    },
  };
}

const before: readonly Column[] = [
  { title: 'epoch', width: 5, cell: (train, valid) => String((train ?? valid)?.epoch) },
  { title: 'train loss', width: 10, cell: train => fixed(train) },
  { title: 'valid loss', width: 10, cell: (_, valid) => fixed(valid) },
];
const after: readonly Column[] = [
  { title: 'lr', width: 7, cell: train => train?.lr?.toExponential(1) ?? '' },
  {
    title: 'img/s',
    width: 7,
    cell: (train, valid) => grouped((train ?? valid)?.imagesPerSecond ?? Number.NaN),
  },
  { title: 'data %', width: 6, cell: (train, valid) => share((train ?? valid)?.dataShare) },
  {
    title: 'time',
    width: 7,
    cell: (train, valid) => duration((train?.seconds ?? 0) + (valid?.seconds ?? 0)),
  },
];

/**
 * One line per epoch, train and valid together, in columns of fixed width. Metrics are those of valid, or of train
 * where there is no valid; speed is that of train, time is both.
 */
export class EpochTable {
  #columns?: readonly Column[];

  /** The lines to add: before the first row the header too, as only now the metrics are known. */
  lines(train?: MetricsRow, valid?: MetricsRow): string[] {
    const header = this.#columns === undefined;
    this.#columns ??= [
      ...before,
      ...metricsOf((valid ?? train)!).map(([name]) => metricColumn(name)),
      ...after,
    ];
    const line = (text: (column: Column) => string) =>
      this.#columns!.map(column => text(column).padStart(column.width)).join('  ');
    const row = line(column => column.cell(train, valid));
    return header ? [line(column => column.title), row] : [row];
  }
}
