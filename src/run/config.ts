/**
 * The settings of a run: one schema gives the types, the defaults, the checks, and (through `describe`) the
 * help of the command line.
 */
import { z } from 'zod';
import { ConfigError } from '../errors.js';
import { models } from '../models/catalog.js';

const positive = z.number().int().positive();
const json = z.record(z.string(), z.unknown());

export const configSchema = z.strictObject({
  data: z.string().min(1).default('sample').describe('sample, fashion-mnist, or a folder of images'),
  imageSize: z
    .tuple([positive, positive])
    .optional()
    .describe('resize every image to HEIGHTxWIDTH; without it other sizes are refused'),
  channels: z
    .union([z.literal(1), z.literal(3)])
    .optional()
    .describe('1 grey, 3 colour'),
  validSplit: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.2)
    .describe('share kept for validation where the data has none'),
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
  optimizer: z.enum(['adamw', 'adam', 'sgd']).default('adamw').describe('update rule'),
  lr: z.number().positive().finite().default(0.01).describe('learning rate; the highest one of a one-cycle'),
  schedule: z.enum(['one-cycle', 'constant']).default('one-cycle').describe('of the learning rate'),
  momentum: z.number().min(0).lt(1).optional().describe('of sgd; a one-cycle sets it itself'),
  weightDecay: z.number().min(0).finite().optional().describe("default: the optimizer's own"),
  augment: z.boolean().default(false).describe('random crop and flip of the training images, on the device'),
  seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(42).describe('of every random number'),
  workers: z
    .union([z.literal('auto'), z.number().int().min(0).max(256)])
    .default('auto')
    .describe('threads that decode images'),
  verify: z
    .enum(['step', 'epoch', 'off'])
    .default('epoch')
    .describe('when replicas are compared bit for bit'),
  stallTimeout: z
    .number()
    .positive()
    .max(2_147_483)
    .default(120)
    .describe('seconds a step may take before the run ends'),
  dryRun: z.boolean().default(false).describe('two steps and one validation batch, nothing written'),
  out: z.string().min(1).optional().describe('run folder [runs/<n>]'),
});

/** Settings as given: everything optional. */
export type TrainOptions = z.input<typeof configSchema>;
/** Settings as used: every default filled in. */
export type TrainConfig = z.output<typeof configSchema>;

/** @throws ConfigError naming each option that is wrong, and what it may be */
export function resolveConfig(options: TrainOptions): TrainConfig {
  const parsed = configSchema.safeParse(options);
  if (!parsed.success) {
    const issues = parsed.error.issues.map(
      ({ path, message }) => `${path.join('.') || 'options'}: ${message}`,
    );
    throw new ConfigError(issues.join('; '), {
      where: [...new Set(parsed.error.issues.map(({ path }) => String(path[0] ?? 'options')))].join(', '),
      hint: 'see --help for every option, its unit and its default',
    });
  }
  checkTogether(parsed.data);
  return parsed.data;
}

function checkTogether({ model, recipe, optimizer, momentum }: TrainConfig): void {
  if (model !== undefined && recipe !== undefined) {
    throw new ConfigError('both a model and a recipe were given', {
      where: 'model, recipe',
      hint: 'give one: a ready model by name, or a module of your own',
    });
  }
  if (model !== undefined && !Object.hasOwn(models, model)) {
    throw new ConfigError(`there is no model '${model}'`, {
      where: 'model',
      hint: `one of ${Object.keys(models).join(', ')}; or --recipe FILE for your own`,
    });
  }
  if (momentum !== undefined && optimizer !== 'sgd') {
    throw new ConfigError(`momentum is a setting of sgd, not of ${optimizer}`, { where: 'momentum' });
  }
}
