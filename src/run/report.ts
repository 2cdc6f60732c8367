/** What a run tells: to its folder, its log and its caller. */
import type { MetricsCB } from '../callbacks/metrics.js';
import type { TimeSharesCB } from '../callbacks/time-shares.js';
import type { Coordinator } from '../coordinator/coordinator.js';
import type { DataLoaders } from '../data/data-loaders.js';
import type { OpenedData } from '../data/open-dataset.js';
import type { DeviceChoice } from '../engine/devices.js';
import type { Learner } from '../learner/learner.js';
import type { TrainConfig } from './config.js';
import type { FirstStepCB } from './first-step.js';
import type { ResumedRun } from './resumed-run.js';
import type { RunFolder } from './run-folder.js';
import type { RunReporter } from './run-reporter.js';
import { adviceOf, settingsWarnings } from './settings-warnings.js';
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
  readonly reporter: RunReporter;
  readonly context: TrainContext;
  readonly firstStep: FirstStepCB;
}

/** Tells what is known before the first step. */
export async function announce(
  { config, selected, data, loaders, coordinator, folder, reporter, context }: RunParts,
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
    advice: adviceOf(loaders).join('; ') || undefined,
    folder: folder?.path,
    resumed: resumed && {
      from: resumed.checkpoint.name,
      position: resumed.checkpoint.position,
      step: resumed.checkpoint.globalStep,
      changed: resumed.changed,
    },
  };
  reporter.log.info({ event: 'start', ...start, model: { ...start.model, layers: undefined } }, 'run starts');
  await context.onStart?.(start);
  for (const warning of settingsWarnings(config.batchSize, coordinator.devices.length, loaders))
    reporter.warn(warning);
}

const countParameters = ({ parameters }: Coordinator): number =>
  parameters.reduce((n, { size }) => n + size, 0);

/** A fit that is over. */
export interface FitReport {
  readonly metrics: MetricsCB;
  readonly times: TimeSharesCB;
  readonly learner: Learner;
  readonly seconds: number;
}

/** @throws ReplicasDivergedError when the replicas do not hold the same weights */
export async function summarise(
  { selected, coordinator, folder, firstStep }: RunParts,
  { metrics, times, learner, seconds }: FitReport,
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
    timeShares: times.ofFit(learner.clock()),
    seconds,
    secondsToFirstStep: firstStep.seconds,
    parameters: countParameters(coordinator),
    replicaChecksums: await coordinator.verifyReplicas(),
    stopped: learner.stopped,
    stopReason: learner.stopReason,
    folder: folder?.path,
  };
}
