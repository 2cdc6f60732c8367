import type { MetricsCB } from '../callbacks/metrics.js';
import type { TimeSharesCB } from '../callbacks/time-shares.js';
import type { Learner } from '../learner/learner.js';
import type { MetricsRow } from '../learner/metrics-row.js';
import { type EpochRecord, epochRecord } from './epoch-record.js';
import { EpochWatch } from './epoch-watch.js';
import type { RunParts } from './report.js';
import { loaderWarnings } from './settings-warnings.js';

interface Measured {
  readonly metrics: MetricsCB;
  readonly times: TimeSharesCB;
  readonly learner: Learner;
}

/** Turns rows into one record an epoch: to the run folder, the log and the caller, with what is to be said of it. */
export function collectRecords(
  { metrics, times, learner }: Measured,
  { config, folder, loaders, coordinator, reporter, context }: RunParts,
): { flush(): Promise<void> } {
  const watch = new EpochWatch(config);
  const since = learner.clock();
  let rows: MetricsRow[] = [];
  const flush = async (): Promise<void> => {
    if (rows.length === 0) return;
    const [{ epoch }] = rows;
    rows = [];
    // A run that was left in a validation has the epoch's training from before.
    const ofEpoch = metrics.history.filter(row => row.epoch === epoch);
    const record = epochRecord(ofEpoch, times.ofEpoch(epoch));
    folder?.append('metrics.jsonl', record);
    reporter.log.info(record, `epoch ${record.epoch}`);
    await context.onEpoch?.(record);
    look(record);
  };
  const look = (record: EpochRecord): void => {
    const now = learner.clock();
    const checkpoints = { share: times.ofFit(now).checkpoints, runSeconds: (now - since) / 1000 };
    const residentBytes = process.memoryUsage.rss();
    const replicas = coordinator.devices.length;
    const found = watch.warningsOf({ ...record, replicas, checkpoints, residentBytes });
    for (const warning of [...found, ...loaderWarnings(loaders)]) reporter.warn(warning);
  };
  metrics.addListener(async row => {
    if (row.phase === 'train') await flush();
    rows.push(row);
    if (row.phase === 'valid') await flush();
  });
  return { flush };
}
