import type { TimeShares } from '../callbacks/time-account.js';
import { type MetricsRow, metricsOf } from '../learner/metrics-row.js';

/** One line of `metrics.jsonl`: an epoch's training and validation together, as numbers. */
export interface EpochRecord {
  readonly event: 'epoch';
  readonly epoch: number;
  readonly step: number;
  readonly trainLoss?: number;
  readonly validLoss?: number;
  /** Learning rate of the epoch's last step. */
  readonly lr?: number;
  readonly imagesPerSecond?: number;
  /** Share of the training time spent waiting for data, 0 … 1. */
  readonly dataShare?: number;
  /** Training and validation. */
  readonly seconds: number;
  /** Where they went, as far as this process did them. */
  readonly timeShares?: TimeShares;
  /** Metrics on the validation set. */
  readonly [metric: string]: number | string | TimeShares | undefined;
}

/** @param rows the epoch's rows: train, valid or both */
export function epochRecord(rows: readonly MetricsRow[], timeShares?: TimeShares): EpochRecord {
  const train = rows.find(row => row.phase === 'train');
  const valid = rows.find(row => row.phase === 'valid');
  const last = valid ?? train;
  if (!last) throw new RangeError('an epoch record needs a row');
  return {
    event: 'epoch',
    epoch: last.epoch,
    step: last.step,
    trainLoss: train?.loss,
    validLoss: valid?.loss,
    ...(valid ? Object.fromEntries(metricsOf(valid)) : {}),
    lr: train?.lr,
    imagesPerSecond: train?.imagesPerSecond,
    dataShare: train?.dataShare,
    seconds: rows.reduce((total, row) => total + row.seconds, 0),
    timeShares,
  };
}
