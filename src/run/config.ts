/**
 * The settings of a run: one schema gives the types, the defaults, the checks (resolve-config.ts), and (through
 * `describe`) the help of the command line.
 */
import { z } from 'zod';
import { badSamplePolicies } from '../data/bad-samples.js';
import { cacheKinds } from '../data/cache/cache-options.js';
import { fits, kernels } from '../data/decode/decode.js';
import { defaultLimits } from '../data/decode/image-limits.js';
import { models } from '../models/catalog.js';
import { failurePolicies } from '../protocol/failure-policy.js';

const positive = z.number().int().positive();
const json = z.record(z.string(), z.unknown());
const share = z.number().gt(0).lt(1);

export const optimizerNames = [
  'adamw',
  'adam',
  'sgd',
  'rmsprop',
  'lessonSgd',
  'lessonMomentum',
  'lessonRmsprop',
  'lessonAdam',
] as const;
export const scheduleNames = ['one-cycle', 'cosine', 'exponential', 'flat-cos', 'constant'] as const;
export const trackerNames = ['jsonl', 'csv', 'tensorboard'] as const;

export const configSchema = z.strictObject({
  data: z
    .string()
    .min(1)
    .default('sample')
    .describe('sample, fashion-mnist, hf:owner/name, a folder or a file'),
  imageColumn: z
    .string()
    .min(1)
    .optional()
    .describe('column of the images, where Parquet files or a manifest have several'),
  labelColumn: z
    .string()
    .min(1)
    .optional()
    .describe('column of the labels, where Parquet files or a manifest have several'),
  imageSize: z
    .tuple([positive, positive])
    .optional()
    .describe('resize every image to HEIGHTxWIDTH; without it other sizes are refused'),
  fit: z
    .enum(fits)
    .optional()
    .describe(
      'how images of other proportions come to imageSize: stretched, cut at the edges, padded with black; default fill',
    ),
  kernel: z.enum(kernels).optional().describe('of the resizing; default linear'),
  channels: z
    .union([z.literal(1), z.literal(3)])
    .optional()
    .describe('1 grey, 3 colour'),
  maxPixels: positive
    .default(defaultLimits.maxPixels)
    .describe('largest image that is unpacked, width times height'),
  maxFileBytes: positive.default(defaultLimits.maxFileBytes).describe('largest image file that is read'),
  allowOutside: z
    .boolean()
    .default(false)
    .describe('take images outside of the data folder, by links and by paths in manifests'),
  validSplit: share.default(0.2).describe('share kept for validation where the data has none'),
  model: z
    .string()
    .optional()
    .describe(`ready recipe: ${Object.keys(models).join(', ')}`),
  recipe: z.string().min(1).optional().describe('module of your own whose default export is a recipe'),
  options: json.default({}).describe('JSON handed to the recipe'),
  gpus: z
    .union([z.string().min(1), z.number()])
    .default(1)
    .describe('devices: a number, a list (0,2), all, or cpu:N'),
  engine: z.enum(['auto', 'torch', 'wasm', 'cpu', 'tensorflow']).default('auto').describe('what computes'),
  precision: z
    .enum(['fp32', 'bf16'])
    .default('fp32')
    .describe('bf16: convolutions and products in bfloat16 (torch engine)'),
  tf32: z.boolean().default(false).describe('let CUDA round the inputs of fp32 products to TensorFloat-32'),
  deterministic: z.boolean().default(false).describe('the same bits at every run, on GPUs too'),
  cudaGraph: z.boolean().default(false).describe('record the step as a CUDA graph and replay it'),
  allowSharedDevice: z.boolean().default(false).describe('several replicas on one GPU, to try things out'),
  epochs: positive.default(3).describe('passes over the training set'),
  batchSize: positive.default(192).describe('images per step, all devices together'),
  optimizer: z.enum(optimizerNames).default('adamw').describe('update rule'),
  lr: z.number().positive().finite().default(0.01).describe('learning rate; the highest one of a one-cycle'),
  schedule: z.enum(scheduleNames).default('one-cycle').describe('of the learning rate'),
  lrGamma: z
    .number()
    .positive()
    .finite()
    .optional()
    .describe('factor of the learning rate an epoch, of the exponential schedule; default 0.9'),
  momentum: z
    .number()
    .min(0)
    .lt(1)
    .optional()
    .describe('of sgd, rmsprop and lessonMomentum; a one-cycle sets it itself'),
  weightDecay: z.number().min(0).finite().optional().describe("default: the optimizer's own"),
  gradClip: z.number().positive().finite().optional().describe('largest L2 norm of all gradients together'),
  accumulate: positive.default(1).describe('batches whose gradients make one optimizer step'),
  ema: share
    .optional()
    .describe('validate and save a running average of the weights: share kept at each step'),
  labelSmoothing: z.number().min(0).lt(1).default(0).describe('share of each target spread over all classes'),
  augment: z.boolean().default(false).describe('random crop and flip of the training images, on the device'),
  rotate: z
    .number()
    .positive()
    .max(180)
    .optional()
    .describe('turn the training images by a random angle of up to so many degrees, such as 10'),
  zoom: z
    .number()
    .gt(1)
    .finite()
    .optional()
    .describe('magnify the training images by a random factor of up to this, such as 1.1'),
  brightness: share
    .optional()
    .describe('multiply the pixels of the training images by a random factor of 1 ± this, such as 0.2'),
  contrast: share
    .optional()
    .describe(
      'raise or lower the contrast of the training images by a random factor of 1 ± this, such as 0.2',
    ),
  randErase: share
    .optional()
    .describe('fill patches of the training images with noise: their side as a share of the image'),
  augmentPerItem: z
    .boolean()
    .default(false)
    .describe('every image has augmentation draws of its own, not the batch one for all'),
  mixup: z
    .number()
    .positive()
    .finite()
    .optional()
    .describe('blend training images in pairs: alpha, such as 0.4'),
  cutmix: z
    .number()
    .positive()
    .finite()
    .optional()
    .describe('patches of other training images: alpha, such as 1'),
  monitor: z
    .string()
    .min(1)
    .default('loss')
    .describe('validation figure that tells the best epoch: loss, accuracy, or a metric of the recipe'),
  earlyStop: positive.optional().describe('end after so many epochs in which monitor was not better'),
  maxSteps: positive.optional().describe('end after so many optimizer steps'),
  maxTime: z.number().positive().finite().optional().describe('end after so many seconds'),
  limitBatches: z
    .union([share, positive])
    .optional()
    .describe('batches of an epoch, of training and of validation: a number, or a share below 1'),
  checkpoint: z
    .number()
    .int()
    .min(0)
    .default(1)
    .describe('save a checkpoint after each epoch, and keep so many of the best; 0: save none'),
  keepCheckpoints: positive.default(2).describe('newest checkpoints kept beside the best'),
  checkpointSteps: positive.optional().describe('save one after so many optimizer steps, too'),
  checkpointMinutes: z
    .number()
    .positive()
    .finite()
    .optional()
    .describe('save one after so many minutes, too'),
  resume: z.string().min(1).optional().describe('go on with this run folder, or from one checkpoint of it'),
  seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(42).describe('of every random number'),
  workers: z
    .union([z.literal('auto'), z.number().int().min(0).max(256)])
    .default('auto')
    .describe('threads that decode images'),
  cache: z
    .enum(cacheKinds)
    .default('none')
    .describe('keep decoded images: in memory, or on disk for later runs too'),
  onBadSample: z
    .enum(badSamplePolicies)
    .default('fail')
    .describe('where an image cannot be used: end the run; or leave it out of its batch'),
  maxBadSamples: z
    .number()
    .int()
    .min(0)
    .default(100)
    .describe('images left out, of each set, before the run ends all the same'),
  verify: z
    .enum(['step', 'epoch', 'off'])
    .default('epoch')
    .describe('when replicas are compared bit for bit'),
  stallTimeout: z
    .number()
    .positive()
    .max(2_147_483)
    .default(120)
    .describe('seconds a step may take before its slowest replica counts as failed'),
  stallWarning: z
    .number()
    .positive()
    .max(2_147_483)
    .default(15)
    .describe('seconds a step may take before a warning names the replica it waits for'),
  startTimeout: z
    .number()
    .positive()
    .max(2_147_483)
    .default(120)
    .describe('seconds the start of a replica may take: engine, recipe, model'),
  onReplicaFailure: z
    .enum(failurePolicies)
    .default('fail')
    .describe('end the run; start the replica again; or go on with fewer'),
  maxRestarts: z
    .number()
    .int()
    .min(0)
    .default(3)
    .describe('replicas started again before the run ends all the same'),
  track: z
    .array(z.enum(trackerNames))
    .default([])
    .describe('log every step and epoch to files of these kinds'),
  plot: z.boolean().default(false).describe('draw the losses: live in a terminal, and to loss.svg'),
  dryRun: z.boolean().default(false).describe('two steps and one validation batch, nothing written'),
  out: z.string().min(1).optional().describe('run folder [runs/<n>]'),
});

/** Settings as given: everything optional. */
export type TrainOptions = z.input<typeof configSchema>;
/** Settings as used: every default filled in. */
export type TrainConfig = z.output<typeof configSchema>;
