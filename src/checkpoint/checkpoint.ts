/** What a checkpoint holds: tensors, and everything else as JSON, of which this file is the schema. */
import { z } from 'zod';
import { CheckpointError } from '../errors.js';
import { problemsOf } from '../schema-problems.js';
import type { StoredTensor } from './safetensors.js';

const count = z.number().int().nonnegative();
const json = z.record(z.string(), z.unknown());

const format = 'gradring-checkpoint';
/** Of this schema; a later one may add fields, never give one of these another meaning. */
const version = 1;

const schema = z.object({
  format: z.literal(format),
  version: z.literal(version),
  position: z.strictObject({ epoch: count, phase: z.enum(['train', 'valid']), batch: count }),
  /** Optimizer steps done. */
  globalStep: count,
  /** Of the fit it was made in. */
  nEpochs: count,
  /** Epoch that each loader serves, or serves next; null where it does not tell. */
  loaders: z.object({ train: count.nullable(), valid: count.nullable() }),
  parameters: z.array(z.string()),
  /** Moving statistics. */
  buffers: z.array(z.string()),
  optimizer: z
    .object({
      kind: z.string(),
      groups: z.array(
        z.object({
          parameters: z.array(z.string()),
          /** As the optimizer was made with. */
          initial: json,
          /** As schedules and callbacks have left them. */
          settings: json,
          /** Steps taken. */
          steps: count,
        }),
      ),
      /** Names of the moments, each with a tensor `optim/<parameter>/<moment>` a parameter. */
      moments: z.array(z.string()),
    })
    .nullable(),
  /** Whether there are gradients that no optimizer step has used yet: tensors `gradient/<parameter>`. */
  gradients: z.boolean(),
  /** Whether there is a running average of the weights: tensors `average/<weight>`. */
  average: z.boolean(),
  /** State of callbacks, by `stateName`. */
  callbacks: json,
  /** Row of the validation it was made after, if it was. */
  metrics: json.nullable(),
  /** What whoever runs the fit adds, such as its settings. */
  run: json,
  /** ISO 8601. */
  created: z.string(),
});

/** The JSON of a checkpoint. */
export type CheckpointInfo = z.output<typeof schema>;

export interface CheckpointContent {
  readonly info: CheckpointInfo;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** @throws CheckpointError naming what is wrong: of another program, of a later version, or the fields that are damaged */
export function parseInfo(value: unknown, where: string): CheckpointInfo {
  const found = (typeof value === 'object' && value !== null ? value : {}) as Partial<CheckpointInfo>;
  if (found.format !== format)
    throw new CheckpointError('this is no checkpoint of gradring', {
      where,
      hint: `the JSON of one has "format": "${format}"`,
    });
  if (typeof found.version === 'number' && found.version > version)
    throw new CheckpointError(
      `a later version of gradring wrote this checkpoint: its format is ${found.version}, and ${version} is known here`,
      { where, hint: 'use that version of gradring, or a newer one' },
    );
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new CheckpointError(`this checkpoint is damaged: ${problemsOf(parsed.error)}`, {
    where,
    hint: 'use another copy of it, or an earlier checkpoint',
  });
}
