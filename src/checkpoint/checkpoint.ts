/** What a checkpoint holds: tensors, and everything else as JSON, of which this file is the schema. */
import { z } from 'zod';
import { CheckpointError } from '../errors.js';
import type { StoredTensor } from './safetensors.js';

const count = z.number().int().nonnegative();
const json = z.record(z.string(), z.unknown());

const schema = z.object({
  format: z.literal('gradring-checkpoint'),
  version: z.literal(1),
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

/** @throws CheckpointError naming what is wrong */
export function parseInfo(value: unknown, where: string): CheckpointInfo {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`);
  throw new CheckpointError(`this is no checkpoint of gradring that can be read: ${issues.join('; ')}`, {
    where,
    hint: 'it may be of another program, or of a later version of gradring',
  });
}
