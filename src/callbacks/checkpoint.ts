import { join } from 'node:path';
import { capture } from '../checkpoint/capture.js';
import { listCheckpoints, removeCheckpoint, removeUnfinished, writeCheckpoint } from '../checkpoint/files.js';
import { readCheckpoint } from '../checkpoint/learner-checkpoints.js';
import { CheckpointError, ConfigError } from '../errors.js';
import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';
import type { MetricsRow } from '../learner/metrics-row.js';
import { Monitor, type MonitorMode } from '../learner/monitor.js';
import type { Position } from '../learner/position.js';

export interface CheckpointOptions {
  /** Where they go; made when first needed. */
  readonly folder: string;
  /** Column of the validation rows by which the best are told. Default `loss`. */
  readonly monitor?: string;
  /** Default: `min` for names that end in loss or error, else `max`. */
  readonly mode?: MonitorMode;
  /** How many of the best are kept. Default 1; 0: none for being good. */
  readonly saveTopK?: number;
  /** Keep the newest, also where a fit is stopped before its end. Default true. */
  readonly saveLast?: boolean;
  /** Save when this many epochs are over. Default 1; 0: not at the end of epochs. */
  readonly everyNEpochs?: number;
  /** Save when this many optimizer steps are over, too. Default: no. */
  readonly everyNSteps?: number;
  /** Put the weights of the best into the model when the fit is over. Default false. */
  readonly restoreBest?: boolean;
  /** Save when the fit ends with an error, if the replicas still can: into its folder `exception`. Default false. */
  readonly saveOnException?: boolean;
  /** Kept in each of them, as JSON, such as the settings of the run. */
  readonly run?: Readonly<Record<string, unknown>>;
}

/** A checkpoint that this callback keeps. */
export interface SavedCheckpoint {
  /** Path without extension. */
  readonly path: string;
  readonly position: Position;
  readonly globalStep: number;
  /** What `monitor` was; undefined where no validation came before it, or it was not a number. */
  readonly value?: number;
}

/**
 * Saves checkpoints as a fit goes on, between two phases or batches, and keeps the newest and the best of them. A new
 * one is complete on the disk before an older one is removed. Of equal ones the earlier counts as better. Without a
 * `MetricsCB`, or without validation, none is best.
 */
export class CheckpointCB extends Callback {
  /** First: before a phase begins and before others take a fit down, all stands as a resumed fit must find it. */
  override order = -1000;
  override readonly fitOnly = true;
  /** Best first, `saveTopK` at most. */
  best: readonly SavedCheckpoint[] = [];
  last?: SavedCheckpoint;
  readonly #options;
  readonly #monitor: Monitor;
  /** Position that needs no saving: that of the last save, or where the fit began. */
  #savedAt?: Position;

  /** @throws ConfigError */
  constructor(options: CheckpointOptions) {
    super();
    this.#monitor = new Monitor(options);
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    this.#options = {
      ...defaults,
      folder: options.folder,
      ...(Object.fromEntries(given) as Partial<typeof defaults>),
    };
    checkOptions(this.#options);
  }

  /** @throws CheckpointError when the folder holds checkpoints of another fit */
  override async beforeFit(learn: Learner): Promise<void> {
    const { folder, saveTopK } = this.#options;
    this.#savedAt = learn.position;
    const there = await listCheckpoints(folder);
    if (learn.resumed) {
      await removeUnfinished(folder);
      // Of what lies there, only what this fit continues: later ones are made again.
      const earlier = there.filter(({ info }) => info.globalStep <= learn.globalStep);
      const saved = earlier.map(({ name, info: { position, globalStep, metrics } }): SavedCheckpoint => {
        return { path: name, position, globalStep, value: finite(metrics?.[this.#monitor.name]) };
      });
      this.best = saved.filter(hasValue).sort(this.#byValue).slice(0, saveTopK);
      this.last = saved.at(-1);
      return;
    }
    const own = new Set([...this.best, this.last].map(saved => saved?.path));
    const foreign = there.find(({ name }) => !own.has(name));
    if (foreign)
      throw new CheckpointError(`${folder} holds checkpoints of another fit, such as ${foreign.name}`, {
        where: folder,
        hint: 'resume that one: learn.fit(n, { resume: folder }); or name another folder',
      });
  }

  /** Once the other callbacks have seen the batch. */
  override async cleanupBatch(learn: Learner): Promise<void> {
    const { everyNSteps } = this.#options;
    const isDone = learn.training && learn.stepped && learn.position.batch === learn.iter + 1;
    if (everyNSteps > 0 && isDone && learn.globalStep % everyNSteps === 0) await this.#save(learn);
  }

  override async beforeEpoch(learn: Learner): Promise<void> {
    await this.#saveEpoch(learn);
  }

  override async cleanupFit(learn: Learner): Promise<void> {
    const { folder, saveLast, saveOnException, restoreBest } = this.#options;
    if (learn.failure !== undefined) {
      // In a folder of its own, as nobody knows how far the step was that failed.
      if (saveOnException) await this.#write(learn, join(folder, 'exception', `step-${learn.globalStep}`));
      return;
    }
    await this.#saveEpoch(learn);
    if (saveLast && this.#isUnsaved(learn)) await this.#save(learn);
    const [best] = this.best;
    if (restoreBest && best) await (await readCheckpoint(best.path)).restoreWeights(learn);
  }

  /** Saves if an epoch has just ended. */
  async #saveEpoch(learn: Learner): Promise<void> {
    const { everyNEpochs } = this.#options;
    const { position, lastRow } = learn;
    const isBetween = position.phase === 'train' && position.batch === 0;
    if (!isBetween || everyNEpochs === 0 || position.epoch % everyNEpochs !== 0 || !this.#isUnsaved(learn))
      return;
    const isOfIt = learn.metrics && lastRow?.phase === 'valid' && lastRow.epoch === position.epoch;
    await this.#save(learn, isOfIt ? lastRow : undefined);
  }

  #isUnsaved({ position }: Learner): boolean {
    return JSON.stringify(position) !== JSON.stringify(this.#savedAt);
  }

  async #save(learn: Learner, row?: MetricsRow): Promise<void> {
    const { folder, saveTopK, saveLast } = this.#options;
    const value = row && finite(this.#monitor.value(row));
    const { position, globalStep } = learn;
    const path = join(folder, nameOf(learn, this.#monitor.name, value));
    const saved = { path, position, globalStep, value };
    const best = value === undefined ? this.best : this.#withBest(saved).slice(0, saveTopK);
    this.#savedAt = position;
    if (!saveLast && !best.includes(saved)) return;
    await this.#write(learn, path, row);
    const former = [...this.best, ...(this.last ? [this.last] : [])];
    this.best = best;
    this.last = saveLast ? saved : undefined;
    const kept = new Set([...best, this.last].map(one => one?.path));
    for (const one of former) if (!kept.has(one.path)) await removeCheckpoint(one.path);
  }

  async #write(learn: Learner, path: string, metrics?: MetricsRow): Promise<void> {
    await writeCheckpoint(path, await capture(learn, { metrics, run: this.#options.run }));
  }

  #withBest(saved: SavedCheckpoint): SavedCheckpoint[] {
    return [...this.best.filter(({ path }) => path !== saved.path), saved].sort(this.#byValue);
  }

  /** The sort is stable: of equal ones the earlier stays in front. */
  readonly #byValue = (a: SavedCheckpoint, b: SavedCheckpoint): number => {
    const difference = (a.value ?? 0) - (b.value ?? 0);
    return this.#monitor.mode === 'min' ? difference : -difference;
  };
}

const defaults = {
  saveTopK: 1,
  saveLast: true,
  everyNEpochs: 1,
  everyNSteps: 0,
  restoreBest: false,
  saveOnException: false,
  run: {} as Readonly<Record<string, unknown>>,
};

const finite = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

const hasValue = ({ value }: SavedCheckpoint): boolean => value !== undefined;

/** Such as `epoch-003-step-000159-accuracy-0.8712`: sorted by name, they are sorted by age. */
function nameOf({ position, globalStep }: Learner, monitor: string, value: number | undefined): string {
  const epoch = String(position.epoch + (position.phase === 'train' && position.batch === 0 ? 0 : 1));
  const name = `epoch-${epoch.padStart(3, '0')}-step-${String(globalStep).padStart(6, '0')}`;
  return value === undefined ? name : `${name}-${monitor.replace(/[^\w.-]/g, '_')}-${value.toPrecision(4)}`;
}

function checkOptions(options: Readonly<Record<string, unknown>>): void {
  for (const name of ['saveTopK', 'everyNEpochs', 'everyNSteps']) {
    const value = options[name];
    if (!Number.isInteger(value) || (value as number) < 0)
      throw new ConfigError(`${name} must be a whole number ≥ 0, not ${String(value)}.`, {
        where: `CheckpointCB ${name}`,
      });
  }
  if (typeof options.folder !== 'string' || options.folder === '')
    throw new ConfigError('CheckpointCB needs a folder.', { where: 'CheckpointCB folder' });
}
