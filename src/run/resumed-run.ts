/** A run that goes on: its folder, its settings with what is changed of them, and where it stands. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { readCheckpoint } from '../checkpoint/learner-checkpoints.js';
import type { Checkpoint } from '../checkpoint/restore.js';
import { CheckpointError, ConfigError } from '../errors.js';
import type { TrainConfig, TrainOptions } from './config.js';

export interface ResumedRun {
  /** The run's own settings, with those that were given in their place. */
  readonly options: TrainOptions;
  readonly folder: string;
  readonly checkpoint: Checkpoint;
  /** Settings that differ from the run's own so far, such as `lr 0.01 → 0.001`. */
  readonly changed: readonly string[];
}

/** With another value of these it would be another run. */
const fixed: readonly (keyof TrainConfig)[] = [
  'data',
  'imageColumn',
  'labelColumn',
  'imageSize',
  'fit',
  'kernel',
  'channels',
  'validSplit',
  'model',
  'recipe',
  'options',
  'seed',
  'batchSize',
  'accumulate',
  'limitBatches',
  'optimizer',
  'schedule',
];

/** A cycle is cut for its number of epochs; the other curves keep the rate that they began with. */
const fixedBySchedule: Readonly<Record<TrainConfig['schedule'], readonly (keyof TrainConfig)[]>> = {
  'one-cycle': ['epochs'],
  cosine: ['lr'],
  'flat-cos': ['lr'],
  exponential: ['lr'],
  constant: [],
};

/**
 * @param options with `resume`: a run folder, or a checkpoint in it
 * @throws CheckpointError when there is nothing to go on with
 * @throws ConfigError when a setting is given that cannot be changed
 */
export async function resumedRun(options: TrainOptions & { resume: string }): Promise<ResumedRun> {
  const { resume, ...given } = options;
  const folder = runFolderOf(resume);
  const own = settingsIn(folder);
  checkGiven(given, own);
  const isFolder = resolve(resume) === folder;
  const checkpoint = await readCheckpoint(isFolder ? join(folder, 'checkpoints') : resume);
  const merged: TrainOptions = { ...own, ...given, resume };
  checkEpochs(checkpoint, merged, folder);
  const changed = Object.entries(given)
    .filter(([key, value]) => differs(own[key as keyof TrainOptions], value))
    .map(([key, value]) => `${key} ${show(own[key as keyof TrainOptions])} → ${show(value)}`);
  return { options: merged, folder, checkpoint, changed };
}

function runFolderOf(path: string): string {
  const candidates = [resolve(path), dirname(dirname(resolve(path)))];
  const found = candidates.find(folder => existsSync(join(folder, 'config.json')));
  if (found !== undefined) return found;
  throw new CheckpointError(`${path} is no run that can be resumed: it has no config.json`, {
    where: path,
    hint: 'name a run folder, such as runs/7, or a checkpoint in its folder checkpoints',
  });
}

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

function checkGiven(given: TrainOptions, own: TrainOptions): void {
  const { schedule = 'one-cycle' } = own;
  const other = [...fixed, ...fixedBySchedule[schedule]].filter(
    key => given[key] !== undefined && differs(own[key], given[key]),
  );
  if (other.length > 0) {
    const told = other.map(key => `${key} ${show(own[key])} → ${show(given[key])}`).join(', ');
    throw new ConfigError(`a run cannot be resumed with another ${other.join(', ')}: ${told}`, {
      where: other[0],
      hint: 'leave it out, or start a new run',
    });
  }
  for (const key of ['out', 'dryRun'] as const) {
    if (!given[key]) continue;
    throw new ConfigError(`${key} and resume exclude each other: a resumed run goes on in its folder`, {
      where: key,
      hint: 'leave one of them out',
    });
  }
}

function checkEpochs({ position }: Checkpoint, { epochs = 0 }: TrainOptions, folder: string): void {
  if (position.epoch < epochs) return;
  throw new ConfigError(`${folder} has done ${position.epoch} epochs, and ${epochs} are asked for`, {
    where: 'epochs',
    hint: `give more: epochs counts from the beginning of the first run`,
  });
}

/** As JSON has it: flags give some numbers as text. */
const differs = (a: unknown, b: unknown): boolean => show(a) !== show(b);
const show = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? 'none');
