/**
 * A whole run: data, devices, replicas, Learner, run folder. What the command line does, without the command
 * line: nothing is printed, no signal handled, nothing kept when it is over.
 */
import { BatchSchedCB } from '../callbacks/batch-sched.js';
import { BatchTransformCB } from '../callbacks/batch-transform.js';
import { DeviceCB } from '../callbacks/device.js';
import { MetricsCB } from '../callbacks/metrics.js';
import { TrainCB } from '../callbacks/train.js';
import { Coordinator } from '../coordinator/coordinator.js';
import { DataLoaders } from '../data/data-loaders.js';
import { type OpenedData, openData } from '../data/open-dataset.js';
import { chooseDevices, type DeviceChoice } from '../engine/devices.js';
import { ConfigError } from '../errors.js';
import { Learner } from '../learner/learner.js';
import { Accuracy } from '../learner/metric.js';
import { OneCycleLR } from '../learner/schedules/one-cycle.js';
import { horizontalFlip, normalize, randomCrop } from '../nn/transform-specs.js';
import type { TransformSpec } from '../protocol/batch.js';
import { channelStatistics } from './channel-statistics.js';
import { resolveConfig, type TrainConfig, type TrainOptions } from './config.js';
import { environment } from './environment.js';
import { firstBatches } from './first-batches.js';
import { FirstStepCB } from './first-step.js';
import { saveModel } from './model-files.js';
import { optimizerChoice } from './optimizer-choice.js';
import { recipeReference } from './recipe-reference.js';
import { announce, collectRecords, type RunParts, recordFailure, summarise } from './report.js';
import { RunFolder } from './run-folder.js';
import { type Logger, runLog } from './run-log.js';
import type { TrainSummary } from './summary.js';
import type { TrainContext } from './train-context.js';

/**
 * Trains as `options` say and leaves a run folder.
 *
 * @throws GradringError of some kind; the folder then holds `FAILED.json`
 */
export async function train(options: TrainOptions = {}, context: TrainContext = {}): Promise<TrainSummary> {
  const firstStep = new FirstStepCB(performance.now());
  const config = resolveConfig(options);
  const selected = await chooseDevices(String(config.gpus), config.engine, config);
  requireSamplesForAll(config, selected.devices.length);
  const { imageSize, channels, validSplit, seed, batchSize, workers: numWorkers } = config;
  const data = await openData(config.data, { imageSize, channels, validSplit, seed });
  const folder = config.dryRun ? undefined : new RunFolder(config.out);
  const log = runLog(folder, context.logger);
  const open: { close(): Promise<void> }[] = [];
  try {
    const coordinator = makeCoordinator(config, selected, data, log, context);
    open.push(coordinator);
    const loaders = DataLoaders.from(data, { batchSize, numWorkers, seed });
    open.push(loaders);
    return await run({ config, selected, data, loaders, coordinator, folder, log, context, firstStep });
  } catch (error) {
    recordFailure(folder, log, error);
    throw error;
  } finally {
    await Promise.all(open.map(part => part.close()));
    log.close();
  }
}

function requireSamplesForAll({ batchSize }: TrainConfig, replicas: number): void {
  if (batchSize >= replicas) return;
  throw new ConfigError(`a batch of ${batchSize} leaves some of the ${replicas} replicas without a sample`, {
    where: 'batchSize',
    hint: `use a batch size of at least ${replicas}, or fewer devices`,
  });
}

function makeCoordinator(
  config: TrainConfig,
  { engine, devices }: DeviceChoice,
  { train: { imageShape, classes } }: OpenedData,
  log: Logger,
  context: TrainContext,
): Coordinator {
  return new Coordinator({
    engine,
    engineSettings: {
      precision: config.precision,
      tf32: config.tf32,
      deterministic: config.deterministic,
      cudaGraph: config.cudaGraph,
    },
    devices: devices.map(({ id }) => id),
    recipe: recipeReference(config),
    imageShape,
    classes,
    seed: config.seed,
    verify: config.verify,
    stallTimeoutMs: config.stallTimeout * 1000,
    startTimeoutMs: Math.max(120, config.stallTimeout) * 1000,
    onOutput: (replica, text) => {
      log.info({ event: 'output', replica, text }, 'the recipe printed');
      context.onOutput?.(replica, text);
    },
  });
}

async function run(parts: RunParts): Promise<TrainSummary> {
  const { config, coordinator, data, folder, log } = parts;
  // Threads start while the images are looked at: neither waits for the other.
  const [statistics] = await Promise.all([channelStatistics(data.train), coordinator.open()]);
  const { devices, modelInfo } = coordinator;
  folder?.writeJson('config.json', { ...config, normalisation: statistics });
  folder?.writeJson('env.json', { ...(await environment()), engine: parts.selected.engine, devices });
  await announce(parts);
  // Not where the output is no score per class, nor where the recipe has an accuracy of its own.
  const hasAccuracy = modelInfo.classifies && !modelInfo.metrics.includes('accuracy');
  const metrics = new MetricsCB(...(hasAccuracy ? [new Accuracy()] : []));
  const learner = makeLearner(parts, metrics, normalize(statistics));
  const records = collectRecords(metrics, parts);
  const since = performance.now();
  await learner.fit(config.dryRun ? 1 : config.epochs);
  await records.flush();
  const seconds = (performance.now() - since) / 1000;
  const summary = await summarise(parts, metrics, seconds, learner.stopped);
  if (folder) {
    saveModel(await coordinator.model(), folder.path);
    folder.writeJson('summary.json', summary);
  }
  log.info({ event: 'end', ...summary }, 'run ended');
  return summary;
}

function makeLearner(parts: RunParts, metrics: MetricsCB, normalisation: TransformSpec): Learner {
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
      new BatchTransformCB(normalisation),
      metrics,
      parts.firstStep,
      // A single step is too short for a cycle.
      ...(config.schedule === 'one-cycle' && totalSteps > 1 ? [oneCycle] : []),
      ...(context.callbacks ?? []),
    ],
  });
}
