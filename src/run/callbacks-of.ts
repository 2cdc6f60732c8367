/** The callbacks that a run's settings ask for. */
import { join } from 'node:path';
import { BatchTransformCB } from '../callbacks/batch-transform.js';
import { BudgetCB } from '../callbacks/budget.js';
import { CheckpointCB, type CheckpointOptions } from '../callbacks/checkpoint.js';
import { DeviceCB } from '../callbacks/device.js';
import { EarlyStoppingCB } from '../callbacks/early-stopping.js';
import { EmaCB } from '../callbacks/ema.js';
import { GradientAccumulationCB } from '../callbacks/gradient-accumulation.js';
import { GradientClipCB } from '../callbacks/gradient-clip.js';
import { CutMixCB, MixUpCB } from '../callbacks/mix.js';
import { RecorderCB } from '../callbacks/recorder.js';
import { TrackerCB } from '../callbacks/tracker.js';
import { CsvTracker } from '../callbacks/trackers/csv.js';
import { JsonLinesTracker } from '../callbacks/trackers/json-lines.js';
import { TensorBoardTracker } from '../callbacks/trackers/tensorboard.js';
import { TrainCB } from '../callbacks/train.js';
import type { Callback } from '../learner/callback.js';
import type { Tracker } from '../learner/tracker.js';
import {
  affine,
  brightness,
  contrast,
  horizontalFlip,
  normalize,
  randErase,
  randomCrop,
} from '../nn/transform-specs.js';
import type { TransformSpec } from '../protocol/batch.js';
import type { ChannelStatistics } from './channel-statistics.js';
import type { TrainConfig } from './config.js';

/** What makes a batch and does its step: all that a search for the learning rate has in common with a training. */
export function stepCallbacksOf(config: TrainConfig, statistics: ChannelStatistics): Callback[] {
  const { augment, augmentPerItem: perItem, randErase: pct, mixup, cutmix, gradClip, accumulate } = config;
  const changes = changesOf(config);
  const onTrain = { onValid: false };
  return [
    new TrainCB(),
    new DeviceCB(),
    ...when(augment, () => [
      new BatchTransformCB([randomCrop({ padding: 1, perItem }), horizontalFlip({ perItem })], onTrain),
    ]),
    ...when(changes.length > 0, () => [new BatchTransformCB(changes, onTrain)]),
    new BatchTransformCB(normalize(statistics)),
    ...when(pct, pct => [new BatchTransformCB([randErase({ pct, perItem })], onTrain)]),
    ...when(mixup, alpha => [new MixUpCB({ alpha })]),
    ...when(cutmix, alpha => [new CutMixCB({ alpha })]),
    ...when(accumulate > 1, () => [new GradientAccumulationCB({ batches: accumulate })]),
    ...when(gradClip, norm => [new GradientClipCB({ norm })]),
  ];
}

/** What turns, magnifies and lights the images anew; turned and magnified with one interpolation. */
function changesOf(config: TrainConfig): TransformSpec[] {
  const {
    rotate: maxDegrees,
    zoom: maxZoom,
    brightness: light,
    contrast: depth,
    augmentPerItem: perItem,
  } = config;
  return [
    ...(maxDegrees || maxZoom
      ? [affine({ maxDegrees: maxDegrees ?? 0, maxZoom: maxZoom ?? 1, perItem })]
      : []),
    ...(light ? [brightness({ max: light, perItem })] : []),
    ...(depth ? [contrast({ max: depth, perItem })] : []),
  ];
}

/** What watches a training, bounds it and saves it. @param folder of the run, if it leaves one */
export function courseCallbacksOf(
  config: TrainConfig,
  folder: string | undefined,
  saving: Pick<CheckpointOptions, 'onSave' | 'saveAtStart' | 'run'> = {},
): Callback[] {
  const { ema, monitor, earlyStop, maxSteps, maxTime, limitBatches, checkpoint, plot } = config;
  const budget = { maxSteps, maxTime, limitTrainBatches: limitBatches, limitValidBatches: limitBatches };
  const isBounded = [maxSteps, maxTime, limitBatches].some(limit => limit !== undefined);
  return [
    ...when(ema, decay => [new EmaCB({ decay })]),
    ...when(earlyStop, patience => [new EarlyStoppingCB({ monitor, patience })]),
    ...when(isBounded, () => [new BudgetCB(budget)]),
    ...when(plot, () => [new RecorderCB()]),
    ...when(folder, folder => [
      ...when(trackersOf(config, folder), trackers => [new TrackerCB(trackers, { name: folder, config })]),
      ...when(checkpoint > 0, () => [
        new CheckpointCB({
          folder: join(folder, 'checkpoints'),
          monitor,
          saveTopK: checkpoint,
          keepLast: config.keepCheckpoints,
          everyNSteps: config.checkpointSteps,
          everyMinutes: config.checkpointMinutes,
          saveOnException: true,
          ...saving,
        }),
      ]),
    ]),
  ];
}

function trackersOf({ track }: TrainConfig, folder: string): Tracker[] | undefined {
  const makers: Record<TrainConfig['track'][number], () => Tracker> = {
    jsonl: () => new JsonLinesTracker(join(folder, 'steps.jsonl')),
    csv: () => new CsvTracker(join(folder, 'steps.csv')),
    tensorboard: () => new TensorBoardTracker(join(folder, 'tensorboard')),
  };
  return track.length > 0 ? [...new Set(track)].map(name => makers[name]()) : undefined;
}

/** What `make` makes of a value that is given, and nothing of one that is not. */
function when<T>(value: T | undefined | false, make: (value: T) => Callback[]): Callback[] {
  return value === undefined || value === false ? [] : make(value);
}
