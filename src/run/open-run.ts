/** What a run needs open while it lasts: data, devices, replicas, loaders, its folder and log. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Coordinator } from '../coordinator/coordinator.js';
import { DataLoaders } from '../data/data-loaders.js';
import type { OpenedData } from '../data/open-dataset.js';
import { chooseDevices, type DeviceChoice } from '../engine/devices.js';
import { ConfigError } from '../errors.js';
import { badSampleList } from './bad-sample-list.js';
import { type ChannelStatistics, channelStatistics } from './channel-statistics.js';
import type { TrainConfig } from './config.js';
import { environment } from './environment.js';
import { FirstStepCB } from './first-step.js';
import { makeCoordinator } from './make-coordinator.js';
import { openRunData } from './open-run-data.js';
import type { RunParts } from './report.js';
import { RunEnding } from './run-ending.js';
import type { RunFolder } from './run-folder.js';
import { RunReporter } from './run-reporter.js';
import type { TrainContext } from './train-context.js';

/**
 * Opens all parts of a run, has `body` use them, and closes them however it ends.
 *
 * @param makeFolder called once data and devices are known to be there
 * @throws GradringError of some kind; the folder then holds `FAILED.json`
 */
export async function withRun<T>(
  config: TrainConfig,
  context: TrainContext,
  makeFolder: () => RunFolder | undefined,
  body: (parts: RunParts, statistics: ChannelStatistics) => Promise<T>,
): Promise<T> {
  const ending = new RunEnding(context);
  try {
    return await withOpen(config, context, ending, makeFolder, body);
  } finally {
    ending.close();
  }
}

async function withOpen<T>(
  config: TrainConfig,
  context: TrainContext,
  ending: RunEnding,
  makeFolder: () => RunFolder | undefined,
  body: (parts: RunParts, statistics: ChannelStatistics) => Promise<T>,
): Promise<T> {
  const firstStep = new FirstStepCB(performance.now());
  const signal = ending.atOnce;
  const selected = await chooseDevices(String(config.gpus), config.engine, config);
  requireSamplesForAll(config, selected.devices.length);
  const data = await openRunData(config, { signal, onProgress: context.onDataProgress });
  const folder = makeFolder();
  const reporter = new RunReporter(folder, context);
  const open: { close(): Promise<void> }[] = [];
  try {
    await describeRun(folder, config, selected);
    const coordinator = makeCoordinator(config, selected, data.train, {
      signal,
      onOutput: reporter.output,
      onWarning: reporter.warn,
    });
    open.push(coordinator);
    const loaders = loadersOf(data, config, signal, reporter, folder);
    open.push(loaders);
    const parts = { config, selected, data, loaders, coordinator, folder, reporter, context, firstStep };
    // Threads start while the images are looked at: neither waits for the other.
    const [statistics] = await Promise.all([
      channelStatistics(data.train, config.onBadSample),
      coordinator.open(),
    ]);
    requireClasses(config, coordinator);
    ending.started();
    return await body(parts, statistics);
  } catch (error) {
    reporter.failed(error);
    throw error;
  } finally {
    await Promise.all(open.map(part => part.close()));
    reporter.close();
  }
}

function loadersOf(
  data: OpenedData,
  { seed, batchSize, cache, workers: numWorkers, onBadSample, maxBadSamples }: TrainConfig,
  signal: AbortSignal,
  { warn: onWarning }: RunReporter,
  folder: RunFolder | undefined,
): DataLoaders {
  const bad = { onBadSample, maxBadSamples };
  const leftOut = badSampleList(folder, onWarning);
  return DataLoaders.from(data, {
    ...{ batchSize, numWorkers, cache, seed, signal, onWarning, ...bad },
    train: { onBadRow: leftOut('train') },
    valid: { onBadRow: leftOut('valid') },
  });
}

/** What a bug report needs is in the folder even where the run does not come to its first step. */
async function describeRun(
  folder: RunFolder | undefined,
  config: TrainConfig,
  { engine, devices }: DeviceChoice,
): Promise<void> {
  if (!folder) return;
  // A resumed run has the settings of before, and with them the statistics that its model was trained with.
  if (!existsSync(join(folder.path, 'config.json'))) folder.writeJson('config.json', config);
  folder.writeJson('env.json', {
    ...(await environment()),
    engine,
    devices: devices.map(({ id }) => id),
    // Names, memory and drivers.
    deviceDetails: devices,
  });
}

function requireSamplesForAll({ batchSize }: TrainConfig, replicas: number): void {
  if (batchSize >= replicas) return;
  throw new ConfigError(`a batch of ${batchSize} leaves some of the ${replicas} replicas without a sample`, {
    where: 'batchSize',
    hint: `use a batch size of at least ${replicas}, or fewer devices`,
  });
}

function requireClasses({ labelSmoothing, mixup, cutmix }: TrainConfig, { modelInfo }: Coordinator): void {
  const given = Object.entries({ labelSmoothing: labelSmoothing || undefined, mixup, cutmix });
  const [key] = given.find(([, value]) => value !== undefined) ?? [];
  if (key === undefined || modelInfo.classifies) return;
  throw new ConfigError(`${key} needs a model with one score per class, not ${modelInfo.modelName}`, {
    where: key,
    hint: `leave ${key} out`,
  });
}
