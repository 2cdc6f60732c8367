import { join } from 'node:path';
import { capture } from '../checkpoint/capture.js';
import type { CheckpointContent } from '../checkpoint/checkpoint.js';
import { KeptCheckpoints, type SavedCheckpoint } from '../checkpoint/kept-checkpoints.js';
import { readCheckpoint } from '../checkpoint/learner-checkpoints.js';
import { listCheckpoints } from '../checkpoint/read-files.js';
import { removeCheckpoint, removeUnfinished, writeCheckpoint } from '../checkpoint/write-files.js';
import { AbortedError, CheckpointError, ConfigError, ReplicasDivergedError } from '../errors.js';
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
  /** How many of the newest are kept, one from where a fit is stopped before its end included. Default 1; 0: none. */
  readonly keepLast?: number;
  /** Save before the first step of a new fit, too. Default false. */
  readonly saveAtStart?: boolean;
  /** Save when this many epochs are over. Default 1; 0: not at the end of epochs. */
  readonly everyNEpochs?: number;
  /** Save when this many optimizer steps are over, too. Default: no. */
  readonly everyNSteps?: number;
  /** Save when this many minutes have passed since it was last done, too. Default: no. */
  readonly everyMinutes?: number;
  /** Put the weights of the best into the model when the fit is over. Default false. */
  readonly restoreBest?: boolean;
  /**
   * Save when the fit ends with an error, if the replicas still answer. Where it failed between two batches, the
   * loader, or in a step that the replicas took back, this is a checkpoint like any other; where nobody knows how far
   * the batch was, or the weights may be spoilt (NaN), it goes into the folder `exception`, to be looked at.
   * Default false.
   */
  readonly saveOnException?: boolean;
  /** Kept in each of them, as JSON, such as the settings of the run. */
  readonly run?: Readonly<Record<string, unknown>>;
  /** Told of each one that is complete on the disk, and how many ms of the fit it took. */
  readonly onSave?: (saved: SavedCheckpoint, ms: number) => void;
}

/**
 * Saves checkpoints as a fit goes on, between two phases or batches, and keeps the newest and the best of them. A new
 * one is complete on the disk before an older one is removed; one that cannot be written ends the fit. Of equal ones the
 * earlier counts as better. Without a `MetricsCB`, or without validation, none is best.
 */
export class CheckpointCB extends Callback {
  /** First: before a phase begins and before others take a fit down, all stands as a resumed fit must find it. */
  override order = -1000;
  override readonly fitOnly = true;
  readonly #options;
  readonly #monitor: Monitor;
  readonly #kept: KeptCheckpoints;
  readonly #onSave: CheckpointOptions['onSave'];
  /** Position that needs no saving: that of the last save, or where the fit began. Undefined until it has begun. */
  #savedAt?: Position;
  /** By the Learner's clock. */
  #savedMs = 0;
  #isStarting = false;

  /** @throws ConfigError */
  constructor(options: CheckpointOptions) {
    super();
    this.#monitor = new Monitor(options);
    this.#onSave = options.onSave;
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    this.#options = {
      ...defaults,
      folder: options.folder,
      ...(Object.fromEntries(given) as Partial<typeof defaults>),
    };
    checkOptions(this.#options);
    const { saveTopK, keepLast } = this.#options;
    this.#kept = new KeptCheckpoints({ best: saveTopK, newest: keepLast }, this.#monitor.mode);
  }

  /** Best first, `saveTopK` at most. */
  get best(): readonly SavedCheckpoint[] {
    return this.#kept.best;
  }

  /** The newest, if any is kept for being new. */
  get last(): SavedCheckpoint | undefined {
    return this.#kept.newest.at(-1);
  }

  /** @throws CheckpointError when the folder holds checkpoints of another fit */
  override async beforeFit(learn: Learner): Promise<void> {
    const { folder } = this.#options;
    this.#savedAt = undefined;
    const there = await listCheckpoints(folder);
    if (learn.resumed) {
      await removeUnfinished(folder, ownNames);
      const found = there.map(({ name, info: { position, globalStep, metrics } }): SavedCheckpoint => {
        return { path: name, position, globalStep, value: finite(metrics?.[this.#monitor.name]) };
      });
      this.#kept.takeOver(found, learn.globalStep);
    } else {
      const own = new Set([...this.#kept.best, ...this.#kept.newest].map(({ path }) => path));
      const foreign = there.find(({ name }) => !own.has(name));
      if (foreign)
        throw new CheckpointError(`${folder} holds checkpoints of another fit, such as ${foreign.name}`, {
          where: folder,
          hint: 'resume that one: learn.fit(n, { resume: folder }); or name another folder',
        });
    }
    this.#savedAt = learn.position;
    this.#savedMs = learn.clock();
    this.#isStarting = this.#options.saveAtStart && !learn.resumed;
  }

  /** Once the other callbacks have seen the batch. */
  override async cleanupBatch(learn: Learner): Promise<void> {
    const { everyNSteps } = this.#options;
    // Where one of them failed, some may have seen it and some not.
    const isDone = learn.failure === undefined && learn.training && learn.position.batch === learn.iter + 1;
    if (!isDone) return;
    const isStepDue = everyNSteps > 0 && learn.stepped && learn.globalStep % everyNSteps === 0;
    if (isStepDue || this.#isTime(learn)) await this.#save(learn);
  }

  override async beforeEpoch(learn: Learner): Promise<void> {
    if (this.#isStarting) await this.#save(learn);
    else await this.#saveEpoch(learn);
    this.#isStarting = false;
  }

  override async cleanupFit(learn: Learner): Promise<void> {
    const { keepLast, saveOnException, restoreBest } = this.#options;
    if (learn.failure !== undefined) {
      if (saveOnException) await this.#saveFailed(learn, learn.failure);
      return;
    }
    await this.#saveEpoch(learn);
    if (keepLast > 0 && this.#isUnsaved(learn)) await this.#save(learn);
    const [best] = this.best;
    if (restoreBest && best) await (await readCheckpoint(best.path)).restoreWeights(learn);
  }

  /** Saves if an epoch has just ended, or it is time to. */
  async #saveEpoch(learn: Learner): Promise<void> {
    const { everyNEpochs } = this.#options;
    const { position, lastRow } = learn;
    const isBetween = position.phase === 'train' && position.batch === 0;
    const isDue = isBetween && everyNEpochs > 0 && position.epoch % everyNEpochs === 0;
    if (!this.#isUnsaved(learn) || !(isDue || this.#isTime(learn))) return;
    const isOfIt =
      isBetween && learn.metrics && lastRow?.phase === 'valid' && lastRow.epoch === position.epoch;
    await this.#save(learn, isOfIt ? lastRow : undefined);
  }

  #isTime(learn: Learner): boolean {
    const { everyMinutes } = this.#options;
    return everyMinutes > 0 && learn.clock() - this.#savedMs >= everyMinutes * 60_000;
  }

  #isUnsaved({ position }: Learner): boolean {
    return JSON.stringify(position) !== JSON.stringify(this.#savedAt);
  }

  async #save(learn: Learner, row?: MetricsRow): Promise<void> {
    const value = row && finite(this.#monitor.value(row));
    const { position, globalStep } = learn;
    const path = join(this.#options.folder, nameOf(learn, this.#monitor.name, value));
    const saved = { path, position, globalStep, value };
    this.#savedAt = position;
    this.#savedMs = learn.clock();
    if (!this.#kept.wants(saved)) return;
    await this.#write(saved, learn, await this.#capture(learn, row), this.#savedMs);
  }

  /** What the failed fit has come to, if that is worth anything: see `saveOnException`. */
  async #saveFailed(learn: Learner, failure: unknown): Promise<void> {
    // The folder cannot be written, or whoever ended the fit wants nothing saved.
    if (failure instanceof CheckpointError || failure instanceof AbortedError) return;
    if (this.#savedAt === undefined || !this.#isUnsaved(learn)) return;
    const { folder, keepLast } = this.#options;
    const { position, globalStep, atRest } = learn;
    const content = await this.#capture(learn);
    const isOwn = learn.cbs.every(callback => callback.atRest);
    const isWhole = atRest && isOwn && !(failure instanceof ReplicasDivergedError);
    if (!isWhole) await writeCheckpoint(join(folder, 'exception', `step-${globalStep}`), content);
    else if (keepLast > 0) {
      const path = join(folder, nameOf(learn, this.#monitor.name, undefined));
      await this.#write({ path, position, globalStep }, learn, content);
    }
  }

  #capture(learn: Learner, metrics?: MetricsRow): Promise<CheckpointContent> {
    return capture(learn, { metrics, run: this.#options.run });
  }

  /** @param since when the saving began, for whoever is told how long it took */
  async #write(
    saved: SavedCheckpoint,
    learn: Learner,
    content: CheckpointContent,
    since = learn.clock(),
  ): Promise<void> {
    await writeCheckpoint(saved.path, content);
    this.#onSave?.(saved, learn.clock() - since);
    for (const path of this.#kept.add(saved)) await removeCheckpoint(path);
  }
}

const defaults = {
  saveTopK: 1,
  keepLast: 1,
  saveAtStart: false,
  everyNEpochs: 1,
  everyNSteps: 0,
  everyMinutes: 0,
  restoreBest: false,
  saveOnException: false,
  run: {} as Readonly<Record<string, unknown>>,
};

const finite = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

const ownNames = /^epoch-\d+-step-\d+/;

/** Such as `epoch-003-step-000159-accuracy-0.8712`: sorted by name, they are sorted by age. */
function nameOf({ position, globalStep }: Learner, monitor: string, value: number | undefined): string {
  const epoch = String(position.epoch + (position.phase === 'train' && position.batch === 0 ? 0 : 1));
  const name = `epoch-${epoch.padStart(3, '0')}-step-${String(globalStep).padStart(6, '0')}`;
  return value === undefined ? name : `${name}-${monitor.replace(/[^\w.-]/g, '_')}-${value.toPrecision(4)}`;
}

function checkOptions(options: Readonly<Record<string, unknown>>): void {
  for (const name of ['saveTopK', 'keepLast', 'everyNEpochs', 'everyNSteps']) {
    const value = options[name];
    if (!Number.isInteger(value) || (value as number) < 0)
      throw new ConfigError(`${name} must be a whole number ≥ 0, not ${String(value)}.`, {
        where: `CheckpointCB ${name}`,
      });
  }
  if (!(Number(options.everyMinutes) >= 0))
    throw new ConfigError(`everyMinutes must be 0 or above, not ${String(options.everyMinutes)}.`, {
      where: 'CheckpointCB everyMinutes',
    });
  if (typeof options.folder !== 'string' || options.folder === '')
    throw new ConfigError('CheckpointCB needs a folder.', { where: 'CheckpointCB folder' });
}
