import { join } from 'node:path';
import { listCheckpoints } from '../checkpoint/read-files.js';

/** What a run that was cut short has left, and how to go on with it; nothing where there is no checkpoint. */
export async function savedLines(folder: string | undefined): Promise<string[]> {
  if (folder === undefined) return [];
  const newest = (await listCheckpoints(join(folder, 'checkpoints'))).at(-1);
  if (newest === undefined) return [];
  const { position, globalStep } = newest.info;
  const epochs = `${position.epoch} ${position.epoch === 1 ? 'epoch' : 'epochs'}`;
  const batches = position.batch > 0 ? `, ${position.batch} batches of the next` : '';
  const more = position.phase === 'valid' ? ', the next but for its validation' : batches;
  return [`saved    ${epochs}${more}, ${globalStep} steps; to go on: --resume ${folder}`];
}
