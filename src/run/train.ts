/**
 * A whole run: data, devices, replicas, Learner, run folder. What the command line does, without the command
 * line: nothing is printed, no signal handled, nothing kept when it is over.
 */
import { join } from 'node:path';
import { MetricsCB } from '../callbacks/metrics.js';
import { RecorderCB } from '../callbacks/recorder.js';
import { TimeSharesCB } from '../callbacks/time-shares.js';
import { ConfigError } from '../errors.js';
import { Learner } from '../learner/learner.js';
import { Accuracy } from '../learner/metric.js';
import { courseCallbacksOf, stepCallbacksOf } from './callbacks-of.js';
import type { ChannelStatistics } from './channel-statistics.js';
import type { TrainOptions } from './config.js';
import { collectRecords } from './epoch-records.js';
import { firstBatches } from './first-batches.js';
import { saveModel } from './model-files.js';
import { withRun } from './open-run.js';
import { optimizerChoice, scheduleChoice } from './optimizer-choice.js';
import { announce, type RunParts, summarise } from './report.js';
import { resolveConfig } from './resolve-config.js';
import { type ResumedRun, type RunNote, requireSameSamples, resumedRun } from './resumed-run.js';
import { RunFolder } from './run-folder.js';
import type { TrainSummary } from './summary.js';
import type { TrainContext } from './train-context.js';

/**
 * Trains as `options` say and leaves a run folder; with `resume` it goes on with one.
 *
 * @throws GradringError of some kind; the folder then holds `FAILED.json`
 */
export async function train(options: TrainOptions = {}, context: TrainContext = {}): Promise<TrainSummary> {
  const { resume } = options;
  const resumed = resume === undefined ? undefined : await resumedRun({ ...options, resume });
  const config = resolveConfig(resumed?.options ?? options);
  const makeFolder = (): RunFolder | undefined => {
    if (config.dryRun) return undefined;
    const folder = resumed
      ? RunFolder.reopen(resumed.folder, resumed.checkpoint.position.epoch)
      : RunFolder.create(config.out);
    context.onFolder?.(folder.path, config);
    return folder;
  };
  return withRun(config, context, makeFolder, (parts, statistics) => run(parts, statistics, resumed));
}

async function run(
  parts: RunParts,
  statistics: ChannelStatistics,
  resumed: ResumedRun | undefined,
): Promise<TrainSummary> {
  const { config, coordinator, data, folder, reporter } = parts;
  if (resumed) requireSameSamples(resumed, data.train.length);
  const metrics = metricsOf(parts);
  const times = new TimeSharesCB();
  folder?.writeJson('config.json', { ...config, normalisation: statistics });
  await announce(parts, resumed);
  const learner = makeLearner(parts, metrics, times, statistics);
  const records = collectRecords({ metrics, times, learner }, parts);
  const since = performance.now();
  await learner.fit(config.dryRun ? 1 : config.epochs, { resume: resumed?.checkpoint });
  await records.flush();
  const seconds = (performance.now() - since) / 1000;
  const summary = await summarise(parts, { metrics, times, learner, seconds });
  if (folder) {
    saveModel(await coordinator.model(), folder.path);
    await learner.find(RecorderCB)?.plotLoss(join(folder.path, 'loss.svg'));
    folder.writeJson('summary.json', summary);
  }
  reporter.log.info({ event: 'end', ...summary }, 'run ended');
  return summary;
}

/**
 * No accuracy where the output is no score per class, nor where the recipe has one of its own.
 *
 * @throws ConfigError when none of them is the one to monitor: after the first epoch it would be late to say so
 */
function metricsOf({ config: { monitor }, coordinator: { modelInfo } }: RunParts): MetricsCB {
  const hasAccuracy = modelInfo.classifies && !modelInfo.metrics.includes('accuracy');
  const names = ['loss', ...(hasAccuracy ? ['accuracy'] : []), ...modelInfo.metrics];
  if (!names.includes(monitor))
    throw new ConfigError(`validation has no ${monitor} to monitor`, {
      where: 'monitor',
      hint: `one of ${names.join(', ')}`,
    });
  return new MetricsCB(...(hasAccuracy ? [new Accuracy()] : []));
}

function makeLearner(
  parts: RunParts,
  metrics: MetricsCB,
  times: TimeSharesCB,
  statistics: ChannelStatistics,
): Learner {
  const { config, data, loaders, coordinator, folder, context, reporter } = parts;
  const dls = config.dryRun
    ? { train: firstBatches(loaders.train, 2), valid: firstBatches(loaders.valid, 1) }
    : loaders;
  const batches = dls.train.length * (config.dryRun ? 1 : config.epochs);
  return new Learner(coordinator, dls, {
    lr: config.lr,
    optFunc: optimizerChoice(config),
    signal: context.signal,
    cbs: [
      ...stepCallbacksOf(config, statistics),
      metrics,
      times,
      parts.firstStep,
      reporter.steps,
      ...scheduleChoice(config, batches),
      ...courseCallbacksOf(config, folder?.path, {
        run: { config, samples: data.train.length } satisfies RunNote,
        saveAtStart: context.savesAtStart && config.onReplicaFailure !== 'fail',
        onSave({ path, globalStep }, ms) {
          times.saved(ms);
          reporter.saved(path, globalStep, ms);
        },
      }),
      ...(context.callbacks ?? []),
    ],
  });
}
