/** What a callback finds of itself in a checkpoint: JSON, which somebody else may have written. */
import { z } from 'zod';
import { CheckpointError } from '../errors.js';
import { problemsOf } from '../schema-problems.js';

/** JSON has null for what is no number. */
export const numberOrNull = z.number().nullable();

/** @throws CheckpointError when the state is not one that the callback saves */
export function readState<Schema extends z.ZodType>(
  schema: Schema,
  state: unknown,
  callback: string,
): z.output<Schema> {
  const parsed = schema.safeParse(state);
  if (parsed.success) return parsed.data;
  throw new CheckpointError(`the state of ${callback} cannot be taken over: ${problemsOf(parsed.error)}`, {
    where: `callbacks.${callback}`,
    hint: 'the checkpoint is damaged, or of another version: use an earlier one',
  });
}
