/**
 * A whole run: data, devices, replicas, Learner, run folder. What the command line does, without the command
 * line: nothing is printed, no signal handled, nothing kept when it is over.
 */
import { BatchSchedCB } from '../callbacks/batch-sched.js';
import { BatchTransformCB } from '../callbacks/batch-transform.js';
import { DeviceCB } from '../callbacks/device.js';
import { MetricsCB, type MetricsRow } from '../callbacks/metrics.js';
import { TrainCB } from '../callbacks/train.js';
import { Coordinator } from '../coordinator/coordinator.js';
import { DataLoaders } from '../data/data-loaders.js';
import { type OpenedData, openData } from '../data/open-dataset.js';
import { chooseDevices, type DeviceChoice } from '../engine/devices.js';
import { ConfigError } from '../errors.js';
import type { Callback } from '../learner/callback.js';
import { Learner } from '../learner/learner.js';
import { Accuracy } from '../learner/metric.js';
import { OneCycleLR } from '../learner/schedules.js';
import { horizontalFlip, normalize, randomCrop } from '../nn/transform-specs.js';
import type { LayerInfo } from '../protocol/messages.js';
import { channelStatistics } from './channel-statistics.js';
import { resolveConfig, type TrainConfig, type TrainOptions } from './config.js';
import { environment, ownVersion } from './environment.js';
import { type EpochRecord, epochRecord } from './epoch-record.js';
import { firstBatches } from './first-batches.js';
import { writeModel } from './model-files.js';
import { optimizerChoice } from './optimizer-choice.js';
import { recipeReference } from './recipe-reference.js';
import { RunFolder } from './run-folder.js';
import { type Logger, runLog } from './run-log.js';
import type { TrainSummary } from './summary.js';

/** What is known before the first step. */
export interface RunStart {
  readonly config: TrainConfig;
  readonly engine: string;
  readonly devices: readonly string[];
  /** Set where the devices are not what was asked for. */
  readonly deviceNote?: string;
  readonly data: { readonly name: string; readonly train: number; readonly valid: number };
  readonly model: {
    readonly name: string;
    readonly parameters: number;
    readonly layers: readonly LayerInfo[];
  };
  /** Decode threads. */
  readonly workers: number;
  /** What would make loading faster, if anything. */
  readonly advice?: string;
  /** Absent in a dry run. */
  readonly folder?: string;
}

export interface TrainContext {
  /** Ends the run after the current step; the model is saved all the same. */
  readonly signal?: AbortSignal;
  /** Gets what `log.jsonl` gets. */
  readonly logger?: Logger;
  /** Added to those of the run, such as a `ProgressCB`. */
  readonly callbacks?: readonly Callback[];
  /** Called once, before the first step. */
  readonly onStart?: (start: RunStart) => void;
  /** Gets what the recipe prints, which also goes to the log. */
  readonly onOutput?: (replica: number, text: string) => void;
  /** Called after every epoch. */
  readonly onEpoch?: (record: EpochRecord) => void;
}

/** Everything that has to be closed, and what the run is made of. */
interface Parts {
  readonly config: TrainConfig;
  readonly selected: DeviceChoice;
  readonly data: OpenedData;
  readonly loaders: DataLoaders;
  readonly coordinator: Coordinator;
  readonly folder?: RunFolder;
  readonly log: Logger;
  readonly context: TrainContext;
}

/**
 * Trains as `options` say and leaves a run folder.
 *
 * @throws GradringError of some kind; the folder then holds `FAILED.json`
 */
export async function train(options: TrainOptions = {}, context: TrainContext = {}): Promise<TrainSummary> {
  const config = resolveConfig(options);
  const selected = await chooseDevices(String(config.gpus), config.engine);
  requireSamplesForAll(config, selected.devices.length);
  const { imageSize, channels, validSplit, seed } = config;
  const data = await openData(config.data, { imageSize, channels, validSplit, seed });
  const folder = config.dryRun ? undefined : new RunFolder(config.out);
  const log = runLog(folder, context.logger);
  const coordinator = new Coordinator({
    engine: selected.engine,
    devices: selected.devices.map(({ id }) => id),
    recipe: recipeReference(config),
    imageShape: data.train.imageShape,
    classes: data.train.classes,
    seed,
    verify: config.verify,
    stallTimeoutMs: config.stallTimeout * 1000,
    onOutput: (replica, text) => {
      log.info({ event: 'output', replica, text }, 'the recipe printed');
      context.onOutput?.(replica, text);
    },
  });
  const numWorkers = config.workers;
  const loaders = DataLoaders.from(data, { batchSize: config.batchSize, numWorkers, seed });
  const parts = { config, selected, data, loaders, coordinator, folder, log, context };
  try {
    return await run(parts);
  } catch (error) {
    recordFailure(parts, error);
    throw error;
  } finally {
    await Promise.all([coordinator.close(), loaders.close()]);
  }
}

function requireSamplesForAll({ batchSize }: TrainConfig, replicas: number): void {
  if (batchSize >= replicas) return;
  throw new ConfigError(`a batch of ${batchSize} leaves some of the ${replicas} replicas without a sample`, {
    where: 'batchSize',
    hint: `use a batch size of at least ${replicas}, or fewer devices`,
  });
}

async function run(parts: Parts): Promise<TrainSummary> {
  const { config, coordinator, data, folder, log } = parts;
  // Threads start while the images are looked at: neither waits for the other.
  const [statistics] = await Promise.all([channelStatistics(data.train), coordinator.open()]);
  folder?.writeJson('config.json', { ...config, normalisation: statistics });
  folder?.writeJson('env.json', {
    ...(await environment()),
    engine: parts.selected.engine,
    devices: coordinator.devices,
  });
  announce(parts);
  const ownAccuracy = coordinator.recipeMetrics.includes('accuracy');
  const metrics = new MetricsCB(...(coordinator.classifies && !ownAccuracy ? [new Accuracy()] : []));
  const learner = makeLearner(parts, metrics, [normalize(statistics)]);
  const records = collectRecords(metrics, parts);
  const since = performance.now();
  await learner.fit(config.dryRun ? 1 : config.epochs);
  records.flush();
  const seconds = (performance.now() - since) / 1000;
  const summary = await summarise(parts, metrics, seconds, learner.stopped);
  if (folder) {
    writeModel(folder, await coordinator.model(), `gradring ${ownVersion()}`);
    folder.writeJson('summary.json', summary);
  }
  log.info({ event: 'end', ...summary }, 'run ended');
  return summary;
}

function makeLearner(parts: Parts, metrics: MetricsCB, transforms: ReturnType<typeof normalize>[]): Learner {
  const { config, loaders, coordinator, context } = parts;
  const dls = config.dryRun
    ? { train: firstBatches(loaders.train, 2), valid: firstBatches(loaders.valid, 1) }
    : loaders;
  const totalSteps = dls.train.length * (config.dryRun ? 1 : config.epochs);
  const oneCycle = new BatchSchedCB(opt => new OneCycleLR(opt, { maxLr: config.lr, totalSteps }));
  const augment = new BatchTransformCB([randomCrop({ padding: 1 }), horizontalFlip()], { onValid: false });
  return new Learner(coordinator, dls, {
    lr: config.lr,
    optFunc: optimizerChoice(config),
    signal: context.signal,
    cbs: [
      new TrainCB(),
      new DeviceCB(),
      ...(config.augment ? [augment] : []),
      new BatchTransformCB(transforms),
      metrics,
      // A single step is too short for a cycle.
      ...(config.schedule === 'one-cycle' && totalSteps > 1 ? [oneCycle] : []),
      ...(context.callbacks ?? []),
    ],
  });
}

/** Turns rows into one record an epoch: to the run folder, the log and the caller. */
function collectRecords(metrics: MetricsCB, { folder, log, context }: Parts): { flush(): void } {
  let rows: MetricsRow[] = [];
  const flush = (): void => {
    if (rows.length === 0) return;
    const record = epochRecord(rows);
    rows = [];
    folder?.append('metrics.jsonl', record);
    log.info(record, `epoch ${record.epoch}`);
    context.onEpoch?.(record);
  };
  metrics.addListener(row => {
    if (row.phase === 'train') flush();
    rows.push(row);
    if (row.phase === 'valid') flush();
  });
  return { flush };
}

function announce({ config, selected, data, loaders, coordinator, folder, log, context }: Parts): void {
  const start: RunStart = {
    config,
    engine: selected.engine,
    devices: coordinator.devices,
    deviceNote: selected.note,
    data: { name: data.name, train: data.train.length, valid: data.valid.length },
    model: {
      name: coordinator.modelName,
      parameters: countParameters(coordinator),
      layers: coordinator.layers,
    },
    workers: loaders.pool?.size ?? 0,
    advice: loaders.pool?.advice,
    folder: folder?.path,
  };
  log.info({ event: 'start', ...start, model: { ...start.model, layers: undefined } }, 'run starts');
  context.onStart?.(start);
}

const countParameters = ({ parameters }: Coordinator): number =>
  parameters.reduce((n, { size }) => n + size, 0);

async function summarise(
  { selected, coordinator, folder }: Parts,
  metrics: MetricsCB,
  seconds: number,
  stopped: boolean,
): Promise<TrainSummary> {
  const train = metrics.history.filter(row => row.phase === 'train');
  const valid = metrics.history.filter(row => row.phase === 'valid').at(-1);
  const trainSeconds = train.reduce((total, row) => total + row.seconds, 0);
  const samples = train.reduce((total, row) => total + row.samples, 0);
  await coordinator.verifyReplicas();
  return {
    engine: selected.engine,
    replicas: coordinator.devices,
    epochs: train.length,
    trainLoss: train.at(-1)?.loss ?? null,
    validLoss: valid?.loss ?? null,
    accuracy: typeof valid?.accuracy === 'number' ? valid.accuracy : null,
    imagesPerSecond: samples > 0 ? samples / trainSeconds : null,
    seconds,
    parameters: countParameters(coordinator),
    replicaChecksums: await coordinator.checksums(),
    stopped,
    folder: folder?.path,
  };
}

function recordFailure({ folder, log }: Parts, error: unknown): void {
  log.error({ err: error }, 'run failed');
  const { name, message, code, stack } = error as Error & { code?: string };
  try {
    folder?.writeJson('FAILED.json', { name, code, message, stack });
  } catch {
    // The folder itself may be what failed: the first error is the one to tell.
  }
}
