/** A run that goes on: its folder, its settings with what is changed of them, and where it stands. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { readCheckpoint } from '../checkpoint/learner-checkpoints.js';
import type { Checkpoint } from '../checkpoint/restore.js';
import { CheckpointError, ConfigError } from '../errors.js';
import type { TrainOptions } from './config.js';
import { changedSettings } from './resume-settings.js';

export interface ResumedRun {
  /** The run's own settings, with those that were given in their place. */
  readonly options: TrainOptions;
  readonly folder: string;
  readonly checkpoint: Checkpoint;
  /** Settings that differ from the run's own so far, such as `lr 0.01 → 0.001`. */
  readonly changed: readonly string[];
}

/** What a run keeps in its checkpoints. */
export interface RunNote {
  readonly config: object;
  /** Samples to train on. */
  readonly samples: number;
}

/**
 * @param options with `resume`: a run folder, or a checkpoint in it
 * @throws CheckpointError when there is nothing to go on with, or it is damaged
 * @throws ConfigError when a setting is given that cannot be changed
 */
export async function resumedRun(options: TrainOptions & { resume: string }): Promise<ResumedRun> {
  const { resume, ...given } = options;
  const folder = runFolderOf(resume);
  const own = settingsIn(folder);
  const changed = changedSettings(given, own);
  const isFolder = resolve(resume) === folder;
  if (isFolder && !holdsCheckpoints(folder)) throw nothingYet(folder);
  const checkpoint = await readCheckpoint(
    isFolder ? join(folder, 'checkpoints') : resume,
    good => `go on from the newest good one: --resume ${good}`,
  );
  const merged: TrainOptions = { ...own, ...given, resume };
  checkEpochs(checkpoint, merged, folder);
  return { options: merged, folder, checkpoint, changed };
}

/** @throws CheckpointError when the run was begun with more or fewer samples: it could not go on in their order */
export function requireSameSamples({ checkpoint: { info, name } }: ResumedRun, samples: number): void {
  const { samples: before = samples } = info.run as Partial<RunNote>;
  if (before === samples) return;
  throw new CheckpointError(
    `the checkpoint cannot be resumed: it was made with ${before} samples to train on, and there are ${samples} now`,
    { where: name, hint: 'resume with the same data; or start a new run' },
  );
}

function runFolderOf(path: string): string {
  const candidates = [resolve(path), dirname(dirname(resolve(path)))];
  const found = candidates.find(folder => existsSync(join(folder, 'config.json')));
  if (found !== undefined) return found;
  throw new CheckpointError(`${path} is no run that can be resumed: it has no config.json`, {
    where: path,
    hint: 'name a run folder, such as runs/7, or a checkpoint in its folder checkpoints; a run that ended before it began is to be started again',
  });
}

/** Also damaged ones; not what a program that was killed has left of the first one. */
function holdsCheckpoints(folder: string): boolean {
  const path = join(folder, 'checkpoints');
  return existsSync(path) && readdirSync(path).some(name => name.endsWith('.json'));
}

const nothingYet = (folder: string): CheckpointError =>
  new CheckpointError(`${folder} holds no checkpoint: there is nothing to resume`, {
    where: folder,
    hint: 'it ended before its first one, or keeps none (--checkpoint 0); start it again with another --out, or once this folder is removed',
  });

function settingsIn(folder: string): TrainOptions {
  const path = join(folder, 'config.json');
  try {
    // What the run measured, or was told for this once, is no setting of it.
    const { normalisation: _, resume: __, out: ___, ...own } = JSON.parse(readFileSync(path, 'utf8'));
    return own;
  } catch (cause) {
    throw new CheckpointError(`${path} cannot be read: ${(cause as Error).message}`, { where: path, cause });
  }
}

function checkEpochs({ position }: Checkpoint, { epochs = 0 }: TrainOptions, folder: string): void {
  // Where it was cut off between its last checkpoint and its end, its model and summary are yet to be written.
  const isUnfinished = position.epoch === epochs && !existsSync(join(folder, 'summary.json'));
  if (position.epoch < epochs || isUnfinished) return;
  throw new ConfigError(`${folder} has done ${position.epoch} epochs, and ${epochs} are asked for`, {
    where: 'epochs',
    hint: `give more: epochs counts from the beginning of the first run`,
  });
}
