/** What is measured in a phase, and who tells it. */
export type PhaseName = 'train' | 'valid';

/** What a phase came to, as numbers; a flat record, ready for JSON. */
export interface MetricsRow {
  /** From 1: the number of this epoch as people count. */
  readonly epoch: number;
  readonly phase: PhaseName;
  /** Optimizer steps done so far. */
  readonly step: number;
  /** Mean over the samples. */
  readonly loss: number;
  readonly samples: number;
  readonly seconds: number;
  readonly imagesPerSecond: number;
  /** Share of the time spent waiting for data, 0 … 1; absent if the loader does not tell. */
  readonly dataShare?: number;
  /** Rate of the first group in the last batch; train only. */
  readonly lr?: number;
  /** The metrics, the callback's own and the recipe's, by name. */
  readonly [metric: string]: number | PhaseName | undefined;
}

export type RowListener = (row: MetricsRow) => void | Promise<void>;

/** Columns that a metric must not be called. */
export const ownColumns: ReadonlySet<string> = new Set<string>([
  'epoch',
  'phase',
  'step',
  'loss',
  'samples',
  'seconds',
  'imagesPerSecond',
  'dataShare',
  'lr',
  // Of the record an epoch's rows become.
  'event',
  'trainLoss',
  'validLoss',
  'timeShares',
]);

/** The metrics in a row, by name. */
export const metricsOf = (row: MetricsRow): [name: string, value: number][] =>
  Object.entries(row).filter((entry): entry is [string, number] => !ownColumns.has(entry[0]));

/** What the rest of a fit sees of its `MetricsCB`. */
export interface MetricsSource {
  /** All rows so far, those of earlier fits too. */
  readonly history: readonly MetricsRow[];
  /** Calls `listener` with each new row, and waits for it. Returns how to end that. */
  addListener(listener: RowListener): () => void;
}
