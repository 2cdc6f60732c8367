/** What a run needs open while it lasts: data, devices, replicas, loaders, its folder and log. */
import type { Coordinator } from '../coordinator/coordinator.js';
import { DataLoaders } from '../data/data-loaders.js';
import { chooseDevices } from '../engine/devices.js';
import { ConfigError } from '../errors.js';
import { type ChannelStatistics, channelStatistics } from './channel-statistics.js';
import type { TrainConfig } from './config.js';
import { FirstStepCB } from './first-step.js';
import { makeCoordinator } from './make-coordinator.js';
import { openRunData } from './open-run-data.js';
import { type RunParts, recordFailure } from './report.js';
import { RunEnding } from './run-ending.js';
import type { RunFolder } from './run-folder.js';
import { runLog } from './run-log.js';
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
  const { seed, batchSize, cache, workers: numWorkers } = config;
  const data = await openRunData(config, { signal, onProgress: context.onDataProgress });
  const folder = makeFolder();
  const log = runLog(folder, context.logger);
  const open: { close(): Promise<void> }[] = [];
  try {
    const coordinator = makeCoordinator(config, selected, data.train, {
      signal,
      onOutput: (replica, text) => {
        log.info({ event: 'output', replica, text }, 'the recipe printed');
        context.onOutput?.(replica, text);
      },
    });
    open.push(coordinator);
    const loaders = DataLoaders.from(data, { batchSize, numWorkers, cache, seed, signal });
    open.push(loaders);
    const parts = { config, selected, data, loaders, coordinator, folder, log, context, firstStep };
    // Threads start while the images are looked at: neither waits for the other.
    const [statistics] = await Promise.all([channelStatistics(data.train), coordinator.open()]);
    requireClasses(config, coordinator);
    ending.started();
    return await body(parts, statistics);
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

function requireClasses({ labelSmoothing, mixup, cutmix }: TrainConfig, { modelInfo }: Coordinator): void {
  const given = Object.entries({ labelSmoothing: labelSmoothing || undefined, mixup, cutmix });
  const [key] = given.find(([, value]) => value !== undefined) ?? [];
  if (key === undefined || modelInfo.classifies) return;
  throw new ConfigError(`${key} needs a model with one score per class, not ${modelInfo.modelName}`, {
    where: key,
    hint: `leave ${key} out`,
  });
}
