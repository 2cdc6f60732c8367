/**
 * gradring: data-parallel training of TensorFlow.js models. Recipe modules import `gradring/recipe` instead,
 * which loads nothing else.
 */
import './callbacks/fit-schedules.js';
import './inference/classify.js';
import './inference/get-preds.js';
import './inference/tta.js';
import './inference/validate.js';
import './inspect/lr-find.js';
import './inspect/show-image-batch.js';
import './inspect/show-training-loop.js';
import './learner/freezing.js';

export { AutoAnnealerCB, type AutoAnnealerOptions } from './callbacks/auto-annealer.js';
export { BatchSchedCB } from './callbacks/batch-sched.js';
export { BatchTransformCB, type BatchTransformOptions } from './callbacks/batch-transform.js';
export { BudgetCB, type BudgetOptions } from './callbacks/budget.js';
export { CheckpointCB, type CheckpointOptions } from './callbacks/checkpoint.js';
export { CompletionCB, type CompletionOptions } from './callbacks/completion.js';
export { DeviceCB } from './callbacks/device.js';
export { type DeviceStats, DeviceStatsCB, type DeviceStatsOptions } from './callbacks/device-stats.js';
export { EarlyStoppingCB, type EarlyStoppingOptions } from './callbacks/early-stopping.js';
export { EmaCB, type EmaOptions } from './callbacks/ema.js';
export { EpochSchedCB } from './callbacks/epoch-sched.js';
export type { FitFlatCosOptions, FitOneCycleOptions } from './callbacks/fit-schedules.js';
export { type AccumulationOptions, GradientAccumulationCB } from './callbacks/gradient-accumulation.js';
export { GradientClipCB } from './callbacks/gradient-clip.js';
export type { LossHistory } from './callbacks/loss-curve.js';
export { LRFinderCB, type LRFinderOptions } from './callbacks/lr-finder.js';
export { type LrSuggestions, suggestLrs } from './callbacks/lr-suggestions.js';
export { MetricsCB } from './callbacks/metrics.js';
export { metricsText } from './callbacks/metrics-text.js';
export { CutMixCB, type MixOptions, MixUpCB } from './callbacks/mix.js';
export { ProgressCB, type ProgressOptions } from './callbacks/progress.js';
export { RecorderCB, type RecorderOptions, type RecordFunction } from './callbacks/recorder.js';
export { ReduceLROnPlateauCB, type ReduceOnPlateauCBOptions } from './callbacks/reduce-on-plateau.js';
export { SingleBatchCB } from './callbacks/single-batch.js';
export { StopOnNaNCB } from './callbacks/stop-on-nan.js';
export { type Throughput, ThroughputCB, type ThroughputOptions } from './callbacks/throughput.js';
export type { ReplicaShares, TimeShares } from './callbacks/time-account.js';
export { TimeSharesCB } from './callbacks/time-shares.js';
export { TrackerCB, type TrackerOptions } from './callbacks/tracker.js';
export { CsvTracker } from './callbacks/trackers/csv.js';
export { JsonLinesTracker } from './callbacks/trackers/json-lines.js';
export { type TensorBoardOptions, TensorBoardTracker } from './callbacks/trackers/tensorboard.js';
export { TrainCB } from './callbacks/train.js';
export type { CheckpointInfo } from './checkpoint/checkpoint.js';
export type { SavedCheckpoint } from './checkpoint/kept-checkpoints.js';
export { type LoadOptions, type LoadReport, readCheckpoint } from './checkpoint/learner-checkpoints.js';
export { listCheckpoints } from './checkpoint/read-files.js';
export { Checkpoint } from './checkpoint/restore.js';
export {
  decodeTensors,
  encodeTensors,
  type StoredTensor,
  type TensorFile,
  type TensorType,
} from './checkpoint/safetensors.js';
export type { WeightReport } from './checkpoint/weights.js';
export { Coordinator } from './coordinator/coordinator.js';
export type { CoordinatorOptions } from './coordinator/coordinator-options.js';
export type { BadSample, BadSamplePolicy } from './data/bad-samples.js';
export { cacheFolder } from './data/cache/cache-folder.js';
export type { CacheKind, CacheOptions } from './data/cache/cache-options.js';
export type { CacheState } from './data/cache/cache-state.js';
export { type Collate, type Collated, collate } from './data/collate.js';
export { DataLoader } from './data/data-loader.js';
export {
  DataLoaders,
  type DataLoadersOptions,
  type DatasetDictOptions,
  getDls,
} from './data/data-loaders.js';
export type { Dataset, DatasetPair, IterableDataset, Sample, StreamedSample } from './data/dataset.js';
export { type DatasetInfo, datasetInfo, type SplitInfo } from './data/dataset-info.js';
export { ArrayDataset, type ArrayDatasetOptions } from './data/datasets/array-dataset.js';
export { concat } from './data/datasets/concat.js';
export { IdxDataset } from './data/datasets/idx.js';
export { ImageFolder, type ImageFolderOptions } from './data/datasets/image-folder.js';
export { ManifestDataset, type ManifestOptions } from './data/datasets/manifest.js';
export { PackDataset } from './data/datasets/pack.js';
export { type SplitOptions, split } from './data/datasets/split.js';
export { Subset } from './data/datasets/subset.js';
export {
  type ImageSample,
  type SampleTransform,
  TransformedDataset,
  withTransform,
} from './data/datasets/transformed.js';
export { WebDataset, type WebDatasetOptions } from './data/datasets/web-dataset.js';
export { writePack } from './data/datasets/write-pack.js';
export type { ImageOptions } from './data/decode/image-options.js';
export { DecodePool } from './data/fill/decode-pool.js';
export { type OpenHubOptions, openHub } from './data/hub/open-hub.js';
export type { DataLoaderOptions } from './data/loader-options.js';
export type { LoaderStats } from './data/loader-stats.js';
export { type OpenDataOptions, type OpenedData, openData } from './data/open-dataset.js';
export { type PackOptions, type PackReport, packDataset } from './data/pack-dataset.js';
export { type PackPairOptions, packPair } from './data/pack-pair.js';
export type { ColumnOptions } from './data/parquet/choose-columns.js';
export { type OpenParquetOptions, openParquet } from './data/parquet/open-parquet.js';
export {
  type GroupRange,
  ParquetFile,
  type RowGroup,
  type RowGroupsOptions,
} from './data/parquet/parquet-file.js';
export { parquetRows } from './data/parquet/parquet-rows.js';
export { type DataProgress, type ParquetOptions, ParquetSplits } from './data/parquet/parquet-splits.js';
export { collateDict } from './data/rows/collate-dict.js';
export type { Column } from './data/rows/column.js';
export { DatasetDict } from './data/rows/dataset-dict.js';
export { type CollatedValue, defaultCollate } from './data/rows/default-collate.js';
export { ClassLabel, type Feature, type Features, Image, Value } from './data/rows/features.js';
export { type ImagesOfOptions, imagesOf } from './data/rows/images-of.js';
export { inplace } from './data/rows/inplace.js';
export { itemgetter } from './data/rows/itemgetter.js';
export type { ImageArray, NdArray, TypedArray } from './data/rows/nd-array.js';
export { RowLoader, type RowLoaderOptions } from './data/rows/row-loader.js';
export { type ColumnData, type Lists, type Row, Rows, type RowTransform } from './data/rows/rows.js';
export { type ImageRow, rowsOf } from './data/rows/rows-of.js';
export { BatchSampler, type IndexBatchSampler } from './data/samplers/batch-sampler.js';
export {
  InfiniteSampler,
  RandomSampler,
  type RandomSamplerOptions,
  SequentialSampler,
  SubsetRandomSampler,
} from './data/samplers/row-samplers.js';
export { type IndexSampler, Sampler } from './data/samplers/sampler.js';
export {
  classBalancedWeights,
  WeightedRandomSampler,
  type WeightedRandomSamplerOptions,
} from './data/samplers/weighted-random-sampler.js';
export type { SampleStack } from './data/samples/read-samples.js';
export type { SampleContext } from './data/samples/sample-context.js';
export type { SampleSource } from './data/samples/sample-source.js';
export { setSeed } from './default-seed.js';
export { chooseDevices, type DeviceChoice, type ListedDevice, listDevices } from './engine/devices.js';
export * from './errors.js';
export { CapturePredsCB, type CapturePredsOptions } from './inference/capture-preds.js';
export {
  accuracyOf,
  type CapturedPreds,
  type FloatArray,
  predictedClasses,
  softmax,
} from './inference/captured-preds.js';
export type { ClassifyOptions, ImageInput, Prediction } from './inference/classify.js';
export type { GetPredsOptions } from './inference/get-preds.js';
export { type Averaged, type EnsembleOptions, ensemblePreds } from './inference/mean-preds.js';
export type { TtaOptions } from './inference/tta.js';
export type { ValidateOptions } from './inference/validate.js';
export { colorDimChart, deadChart, statsChart } from './inspect/activation-charts.js';
export {
  ActivationStats,
  type ActivationStatsOptions,
  GradientStats,
  type LayerHistory,
  type SaveStatsOptions,
} from './inspect/activation-stats.js';
export { Hook, type HookOptions } from './inspect/hook.js';
export {
  type Captured,
  type HookFunction,
  type LayerStats,
  type RecipeHookOptions,
  recipeHook,
  type StatsOptions,
  stats,
} from './inspect/hook-functions.js';
export { Hooks, withHooks } from './inspect/hooks.js';
export { HooksCallback, type HooksCallbackOptions } from './inspect/hooks-callback.js';
export type { LayerFilter } from './inspect/layer-filter.js';
export type { LrFindOptions, LrFindResult } from './inspect/lr-find.js';
export type { ShowImageBatchOptions } from './inspect/show-image-batch.js';
export type { TrainingLoopOptions } from './inspect/show-training-loop.js';
export {
  ModelSummary,
  type SummaryOptions,
  type SummaryRow,
  type SummaryTotals,
} from './inspect/summary.js';
export { Callback } from './learner/callback.js';
export {
  CancelBatchException,
  CancelEpochException,
  CancelException,
  CancelFitException,
  CancelStepException,
} from './learner/cancel.js';
export { type CallbackParts, defineCallback } from './learner/define-callback.js';
export { addMethods } from './learner/extend.js';
export { Learner } from './learner/learner.js';
export type { BatchResult, FitOptions, LearnerOptions } from './learner/learner-options.js';
export type { LearningRate, RateRange } from './learner/learning-rate.js';
export { lessonAdam, lessonMomentum, lessonRmsprop, lessonSgd } from './learner/lesson-optimizers.js';
export type { BatchLoader, Epochs, Loaders } from './learner/loaders.js';
export { Accuracy, Metric, TopK } from './learner/metric.js';
export {
  type Average,
  type ClassScoreOptions,
  F1,
  Precision,
  Recall,
} from './learner/metrics/class-scores.js';
export { ConfusionMatrix, type Normalize } from './learner/metrics/confusion-matrix.js';
export { Mean } from './learner/metrics/mean.js';
export { MeanSquaredError, type MeanSquaredErrorOptions } from './learner/metrics/mean-squared-error.js';
export type { MetricsRow, RowListener } from './learner/metrics-row.js';
export { MomentumLearner, type MomentumLearnerOptions } from './learner/momentum-learner.js';
export { Monitor, type MonitorMode, type MonitorOptions } from './learner/monitor.js';
export {
  adam,
  adamW,
  type OptFunc,
  Optimizer,
  type ParamGroup,
  recipeOptimizer,
  rmsprop,
  sgd,
} from './learner/optimizer.js';
export { type GroupOption, type Splitter, splitLayers } from './learner/param-groups.js';
export type { Position, ResumePoint } from './learner/position.js';
export { CosineAnnealingLR, type CosineAnnealingOptions } from './learner/schedules/cosine-annealing.js';
export { ExponentialLR } from './learner/schedules/exponential.js';
export { FlatCosLR, type FlatCosOptions } from './learner/schedules/flat-cos.js';
export { LinearLR, type LinearOptions } from './learner/schedules/linear.js';
export { OneCycleLR, type OneCycleOptions } from './learner/schedules/one-cycle.js';
export { ReduceLROnPlateau, type ReduceOnPlateauOptions } from './learner/schedules/reduce-on-plateau.js';
export type { Scheduler, SchedulerState } from './learner/schedules/scheduler.js';
export { type SchedulePart, SequentialLR } from './learner/schedules/sequential.js';
export { withSnapshot } from './learner/snapshot.js';
export type { Outcome, RunInfo, TrackedValues, Tracker, ValuesSource } from './learner/tracker.js';
export { TrainLearner } from './learner/train-learner.js';
export { models } from './models/catalog.js';
export type { WeightInit } from './models/initializers.js';
export type { Transform, TransformBatch } from './nn/augment.js';
export type { ImageScale } from './nn/image-scale.js';
export {
  type AffineOptions,
  affine,
  brightness,
  contrast,
  type DrawOptions,
  type HorizontalFlipOptions,
  horizontalFlip,
  type LightingOptions,
  type NormalizeOptions,
  normalize,
  type PatchOptions,
  type RandEraseOptions,
  type RandomCropOptions,
  type RotateOptions,
  randCopy,
  randErase,
  randomCrop,
  rotate,
  type ZoomOptions,
  zoom,
} from './nn/transform-specs.js';
export {
  type Axis,
  type CellAxis,
  type Chart,
  type ChartGrid,
  type ColorAxis,
  chartGrid,
  type HeatMap,
  heatMap,
  type LineChart,
  lineChart,
  type Mark,
  type Series,
} from './plot/chart.js';
export {
  type Axes,
  Figure,
  type FigureOptions,
  type GridOptions,
  getGrid,
  type ShowImagesOptions,
  type ShowOptions,
  showImage,
  showImages,
  subplots,
} from './plot/figure.js';
export { type Picture, type PixelData, type PixelScale, picturesOf } from './plot/picture.js';
export { type PngOptions, type RenderOptions, renderPng, renderSvg } from './plot/render.js';
export { savePlot } from './plot/save-plot.js';
export type {
  DatasetProfile,
  DeviceProfile,
  LoaderProfile,
  SampleSteps,
  TrainingProfile,
  WorkersProfile,
} from './profile/loader-profile.js';
export { profileChart } from './profile/profile-chart.js';
export { profileLoader } from './profile/profile-loader.js';
export type { LoaderProfileContext, LoaderProfileOptions } from './profile/profile-options.js';
export type { RecommendedSettings, Verdict } from './profile/verdict.js';
export type { Batch, ImageShape, MixSpec, TransformSpec } from './protocol/batch.js';
export type { LossSpec } from './protocol/loss.js';
export type { MemoryReport, ModelReport, RecipeReference } from './protocol/messages.js';
export type { LayerInfo, LayerWeight } from './protocol/model-info.js';
export type {
  GroupSettings,
  OptimizerSpec,
  OptimizerState,
  ParameterInfo,
  TrainingState,
} from './protocol/optimizer.js';
export type {
  ClipOptions,
  Predictions,
  ReplicaMemory,
  StateParts,
  StepResult,
  StepRunner,
  Tally,
} from './protocol/step-runner.js';
export type { RunWarning } from './protocol/warning.js';
export type { Random } from './random.js';
export type { TrainConfig, TrainOptions } from './run/config.js';
export type { EpochRecord } from './run/epoch-record.js';
export { type FoundLr, findLr } from './run/find-lr.js';
export { saveModel } from './run/model-files.js';
export { resolveConfig } from './run/resolve-config.js';
export type { EventStamp, RunEvent, RunEventBody, RunFailure, RunProgress } from './run/run-events.js';
export { type Run, type RunContext, startRun } from './run/run-handle.js';
export type { Logger } from './run/run-log.js';
export type { TrainSummary } from './run/summary.js';
export { train } from './run/train.js';
export type { RunStart, TrainContext } from './run/train-context.js';
export {
  defineRecipe,
  type OwnOptimizer,
  type OwnUpdate,
  type Recipe,
  type RecipeContext,
} from './worker/recipe.js';
