/** What a run tells: to its folder, its log and its caller. */
import type { MetricsCB } from '../callbacks/metrics.js';
import type { Coordinator } from '../coordinator/coordinator.js';
import type { DataLoaders } from '../data/data-loaders.js';
import type { OpenedData } from '../data/open-dataset.js';
import type { DeviceChoice } from '../engine/devices.js';
import type { Learner } from '../learner/learner.js';
import type { MetricsRow } from '../learner/metrics-row.js';
import type { TrainConfig } from './config.js';
import { epochRecord } from './epoch-record.js';
import type { FirstStepCB } from './first-step.js';
import type { ResumedRun } from './resumed-run.js';
import type { RunFolder } from './run-folder.js';
import type { Logger } from './run-log.js';
import type { TrainSummary } from './summary.js';
import type { RunStart, TrainContext } from './train-context.js';

/** What a run is made of. */
export interface RunParts {
  readonly config: TrainConfig;
  readonly selected: DeviceChoice;
  readonly data: OpenedData;
  readonly loaders: DataLoaders;
  readonly coordinator: Coordinator;
  readonly folder?: RunFolder;
  readonly log: Logger;
  readonly context: TrainContext;
  readonly firstStep: FirstStepCB;
}

/** Tells what is known before the first step. */
export async function announce(
  { config, selected, data, loaders, coordinator, folder, log, context }: RunParts,
  resumed?: ResumedRun,
): Promise<void> {
  const start: RunStart = {
    config,
    engine: selected.engine,
    devices: coordinator.devices,
    deviceNote: selected.note,
    data: { name: data.name, train: data.train.length, valid: data.valid.length },
    model: {
      name: coordinator.modelInfo.modelName,
      parameters: countParameters(coordinator),
      layers: coordinator.modelInfo.layers,
    },
    workers: loaders.pool?.size ?? 0,
    advice: loaderAdvice(loaders),
    folder: folder?.path,
    resumed: resumed && {
      from: resumed.checkpoint.name,
      position: resumed.checkpoint.position,
      step: resumed.checkpoint.globalStep,
      changed: resumed.changed,
    },
  };
  log.info({ event: 'start', ...start, model: { ...start.model, layers: undefined } }, 'run starts');
  await context.onStart?.(start);
}

function loaderAdvice({ pool, train }: DataLoaders): string | undefined {
  const advice = [pool?.advice, train.cache?.advice].filter(text => text !== undefined);
  return advice.length === 0 ? undefined : advice.join('; ');
}

const countParameters = ({ parameters }: Coordinator): number =>
  parameters.reduce((n, { size }) => n + size, 0);

/** Turns rows into one record an epoch: to the run folder, the log and the caller. */
export function collectRecords(
  metrics: MetricsCB,
  { folder, log, context }: RunParts,
): { flush(): Promise<void> } {
  let rows: MetricsRow[] = [];
  const flush = async (): Promise<void> => {
    if (rows.length === 0) return;
    const [{ epoch }] = rows;
    rows = [];
    // A run that was left in a validation has the epoch's training from before.
    const record = epochRecord(metrics.history.filter(row => row.epoch === epoch));
    folder?.append('metrics.jsonl', record);
    log.info(record, `epoch ${record.epoch}`);
    await context.onEpoch?.(record);
  };
  metrics.addListener(async row => {
    if (row.phase === 'train') await flush();
    rows.push(row);
    if (row.phase === 'valid') await flush();
  });
  return { flush };
}

/** @throws ReplicasDivergedError when the replicas do not hold the same weights */
export async function summarise(
  { selected, coordinator, folder, firstStep }: RunParts,
  { metrics, learner, seconds }: { metrics: MetricsCB; learner: Learner; seconds: number },
): Promise<TrainSummary> {
  const train = metrics.history.filter(row => row.phase === 'train');
  const { epoch, phase } = learner.position;
  const epochs = epoch + (phase === 'valid' ? 1 : 0);
  // Stopped before it was validated, an epoch has no such figures; an earlier one's would not be of this model.
  const valid = metrics.history.find(row => row.phase === 'valid' && row.epoch === epochs);
  const trainSeconds = train.reduce((total, row) => total + row.seconds, 0);
  const samples = train.reduce((total, row) => total + row.samples, 0);
  const waited = train.reduce(
    (total, { dataShare, seconds }) => total + (dataShare ?? Number.NaN) * seconds,
    0,
  );
  return {
    engine: selected.engine,
    replicas: coordinator.devices,
    epochs,
    trainLoss: train.at(-1)?.loss ?? null,
    validLoss: valid?.loss ?? null,
    accuracy: typeof valid?.accuracy === 'number' ? valid.accuracy : null,
    imagesPerSecond: samples > 0 ? samples / trainSeconds : null,
    dataShare: samples > 0 && Number.isFinite(waited) ? waited / trainSeconds : null,
    seconds,
    secondsToFirstStep: firstStep.seconds,
    parameters: countParameters(coordinator),
    replicaChecksums: await coordinator.verifyReplicas(),
    stopped: learner.stopped,
    stopReason: learner.stopReason,
    folder: folder?.path,
  };
}

/** Leaves `FAILED.json` in the folder, with the stack. */
export function recordFailure(folder: RunFolder | undefined, log: Logger, error: unknown): void {
  log.error({ err: error }, 'run failed');
  const { name, message, code, stack } = error as Error & { code?: string };
  try {
    folder?.writeJson('FAILED.json', { name, code, message, stack });
  } catch {
    // The folder itself may be what failed: the first error is the one to tell.
  }
}
