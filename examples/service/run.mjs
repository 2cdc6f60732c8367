/** One run: while it lasts what its events say of it, and after that what is in its folder. */
import { basename } from 'node:path';
import { endedEvents, noteFailure, readRun, stateOf } from './run-files.mjs';

const maxWarnings = 100;

/** @typedef {{ id: string, folder: string, created: string, settings: Record<string, unknown> }} RunSettings */

/**
 * What its events have told so far.
 *
 * @typedef {object} Told
 * @property {import('gradring').RunStart | null} start
 * @property {object | null} progress the newest, without its stamp
 * @property {import('gradring').EpochRecord | null} epoch the newest
 * @property {{ name: string, step: number } | null} checkpoint the newest
 * @property {import('gradring').RunWarning[]} warnings
 * @property {object | null} error
 * @property {Record<string, unknown> | null} summary
 */

export class ServiceRun {
  /** @type {string} */ id;
  /** @type {string} */ folder;
  #created;
  #settings;
  #state = 'starting';
  /** @type {import('gradring').Run | undefined} */ #handle;
  /** Which life of the run: after a resume events are counted anew. */
  #life = '';
  /** @type {Told} */
  #told = {
    start: null,
    progress: null,
    epoch: null,
    checkpoint: null,
    warnings: [],
    error: null,
    summary: null,
  };
  #resumable = false;
  #settled = Promise.resolve();

  /** @param {RunSettings} settings */
  constructor({ id, folder, created, settings }) {
    this.id = id;
    this.folder = folder;
    this.#created = created;
    this.#settings = settings;
  }

  /**
   * A run of an earlier life of the service, or of a program beside it.
   *
   * @param {{ id: string, folder: string }} where
   * @param {(config: Record<string, unknown>) => Record<string, unknown>} shown which settings a client sees
   */
  static async fromDisk({ id, folder }, shown) {
    const ended = await readRun(folder);
    const run = new ServiceRun({ id, folder, created: ended.created, settings: shown(ended.config) });
    run.#takeEnded(ended);
    return run;
  }

  get active() {
    return this.#handle !== undefined;
  }

  /** Whether there is anything that a resume could go on with. */
  get resumable() {
    return !this.active && this.#resumable;
  }

  /** What a list shows of it. */
  get brief() {
    const { progress, epoch } = this.#told;
    return {
      id: this.id,
      state: this.#state,
      resumable: this.resumable,
      created: this.#created,
      settings: this.#settings,
      progress,
      epoch,
    };
  }

  /** All that clients see. */
  get status() {
    const { start, ...told } = this.#told;
    return {
      ...this.brief,
      engine: start?.engine ?? told.summary?.engine ?? null,
      devices: start?.devices ?? told.summary?.replicas ?? null,
      model: start ? { name: start.model.name, parameters: start.model.parameters } : null,
      ...told,
    };
  }

  /**
   * Begins, or goes on.
   *
   * @param {import('gradring').Run} handle
   * @param {import('gradring').Logger} log
   */
  launch(handle, log) {
    this.#handle = handle;
    this.#life = Date.now().toString(36);
    this.#state = 'starting';
    Object.assign(this.#told, { progress: null, warnings: [], error: null, summary: null });
    this.#settled = this.#follow(handle).catch(err =>
      log.error({ err, run: this.id }, 'run folder not read'),
    );
  }

  /** Ends it after the step; again, or too late, it changes nothing. @param {string} reason for its summary */
  stop(reason) {
    if (this.#handle === undefined || this.#state === 'stopping') return;
    this.#state = 'stopping';
    this.#handle.stop(reason);
  }

  /** Stops it, and waits until nothing of it is left but its folder. */
  async close() {
    this.stop('the service was stopped');
    await this.#handle?.close();
    await this.#settled;
  }

  /**
   * Its events from the first one on, the newest only of those that tell how far it is; which life of it they are of,
   * to go on reading where one was; and when it is over with all that belongs to it.
   *
   * @returns {Promise<{ life: string, events: AsyncIterable<object> | object[], settled: Promise<void> }>}
   */
  async events() {
    const settled = this.#settled;
    if (this.#handle) return { life: this.#life, events: this.#handle.events, settled };
    return { life: 'ended', events: await endedEvents(this.id, this.folder), settled };
  }

  async #follow(handle) {
    for await (const event of handle.events) this.#apply(event);
    const { error, summary } = this.#told;
    await handle.close();
    this.#state = stateOf(summary, error);
    try {
      // A refusal may come before there is anything in the folder, a crash may leave no time to write to it.
      if (error) await noteFailure(this.folder, error);
      const ended = await readRun(this.folder);
      // A resume that was refused leaves the folder as it was; clients are told of it all the same.
      this.#takeEnded(error ? { ...ended, error, state: this.#state } : ended);
    } finally {
      this.#handle = undefined;
    }
  }

  #takeEnded({ state, summary, error, epoch, resumable }) {
    this.#state = state;
    this.#resumable = resumable;
    Object.assign(this.#told, { summary, error, epoch, progress: null });
  }

  /** @param {import('gradring').RunEvent} event */
  #apply(event) {
    const told = this.#told;
    switch (event.type) {
      case 'start':
        if (this.#state === 'starting') this.#state = 'running';
        told.start = event.start;
        break;
      case 'progress': {
        const { epoch, batch, batches, step, loss, phase } = event;
        told.progress = { epoch, batch, batches, step, loss, phase };
        break;
      }
      case 'epoch':
        told.epoch = event.record;
        break;
      case 'warning':
        told.warnings = [...told.warnings, event.warning].slice(-maxWarnings);
        break;
      case 'checkpoint':
        told.checkpoint = { name: basename(event.path), step: event.step };
        break;
      case 'end':
        told.summary = event.summary;
        break;
      case 'failed':
        told.error = event.error;
        break;
    }
  }
}
