/** The runs under one folder, each in a folder with its number, those of earlier lives of the service included. */
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { conflict, notFound, Refusal } from './problems.mjs';
import { ServiceRun } from './run.mjs';

const isNumber = name => /^[1-9]\d{0,8}$/.test(name);

/**
 * @typedef {object} RegistryOptions
 * @property {string} root folder of the run folders; made when it is not there
 * @property {import('./settings.mjs').Settings} settings
 * @property {typeof import('./settings.mjs').defaultLimits} limits
 * @property {(options: import('gradring').TrainOptions, context: import('gradring').RunContext) =>
 *   import('gradring').Run} startRun
 * @property {boolean} isolate whether each run is a process of its own
 * @property {number} graceMs how long runs have to end when the service does, in ms
 * @property {import('gradring').Logger} log
 */

export class RunRegistry {
  /** @type {Map<string, ServiceRun>} */ #runs = new Map();
  #options;
  #closing = false;
  /** Those between their checks and their run: they count as running. */
  #starting = new Set();

  /** @param {RegistryOptions} options */
  constructor(options) {
    this.#options = { ...options, root: resolve(options.root) };
  }

  /** Finds what is there. A link is no run: what it leads to is not ours to show or to delete. */
  async open() {
    const { root, settings } = this.#options;
    await mkdir(root, { recursive: true });
    const entries = await readdir(root, { withFileTypes: true });
    // Deleted by a service that was killed before it was done.
    for (const { name } of entries.filter(({ name }) => name.startsWith('.deleted-')))
      await rm(join(root, name), { recursive: true, force: true });
    const ids = entries.filter(entry => entry.isDirectory() && isNumber(entry.name)).map(({ name }) => name);
    for (const id of ids.sort((a, b) => Number(a) - Number(b)))
      this.#runs.set(
        id,
        await ServiceRun.fromDisk({ id, folder: join(root, id) }, config => settings.shown(config)),
      );
  }

  /** The newest first. */
  list() {
    return [...this.#runs.values()].reverse();
  }

  /** @param {string} id @throws Refusal (404) */
  get(id) {
    const run = this.#runs.get(id);
    if (run === undefined) throw notFound(`run ${id.slice(0, 20)}`);
    return run;
  }

  /**
   * @param {Record<string, unknown>} given settings, as the schema has them
   * @throws Refusal or ConfigError (400, 409, 429)
   */
  async start(given) {
    const { settings, limits } = this.#options;
    return this.#claiming(async () => {
      const options = await settings.resolve(given);
      if (this.#runs.size >= limits.runs)
        throw conflict(`there are ${this.#runs.size} runs, as many as are kept`, 'delete one of them');
      const { id, folder } = await this.#makeFolder();
      const run = new ServiceRun({ id, folder, created: new Date().toISOString(), settings: given });
      this.#launch(run, { ...options, out: folder });
      this.#runs.set(id, run);
      return run;
    });
  }

  /** @param {string} id @param {{ epochs?: number }} changed @throws Refusal (404, 409, 429) */
  async resume(id, changed) {
    const run = this.get(id);
    return this.#claiming(async () => {
      if (run.active) throw conflict(`run ${id} is still going on`);
      if (!run.resumable)
        throw conflict(`run ${id} cannot be resumed: it is ${run.status.state}, or has no checkpoint`);
      this.#launch(run, { ...changed, resume: run.folder });
      return run;
    });
  }

  /** Deletes a run that is over, with its folder. @param {string} id @throws Refusal (404, 409) */
  async remove(id) {
    const run = this.get(id);
    if (run.active) throw conflict(`run ${id} is still going on`, 'stop it first');
    this.#runs.delete(id);
    // One step for all who look, whatever is cut off after it.
    const gone = join(this.#options.root, `.deleted-${id}`);
    await rename(run.folder, gone);
    await rm(gone, { recursive: true, force: true });
  }

  /** Stops every run, and waits until each is saved and gone. */
  async close() {
    this.#closing = true;
    await Promise.allSettled(this.#starting);
    await Promise.all([...this.#runs.values()].map(run => run.close()));
  }

  #launch(run, options) {
    const { startRun, isolate, graceMs, log } = this.#options;
    run.launch(startRun(options, { isolate, id: run.id, closeGraceMs: graceMs, logger: log }), log);
  }

  /** @template T @param {() => Promise<T>} start */
  async #claiming(start) {
    const { limits } = this.#options;
    if (this.#closing) throw new Refusal(503, 'CLOSING', 'the service is being stopped');
    const active = [...this.#runs.values()].filter(run => run.active).length;
    if (active + this.#starting.size >= limits.running)
      throw new Refusal(429, 'TOO_MANY_RUNS', `already ${limits.running} runs are going on`, {
        hint: 'stop one, or wait for its end',
        headers: { 'retry-after': '10' },
      });
    const starting = start();
    this.#starting.add(starting);
    try {
      return await starting;
    } finally {
      this.#starting.delete(starting);
    }
  }

  async #makeFolder() {
    const { root } = this.#options;
    const taken = [...(await readdir(root)).filter(isNumber), ...this.#runs.keys()].map(Number);
    for (let number = 1 + Math.max(0, ...taken); ; number++) {
      const folder = join(root, String(number));
      try {
        // Not recursive: of two that want it only one gets it.
        await mkdir(folder);
        return { id: String(number), folder };
      } catch (error) {
        if (error.code !== 'EEXIST') throw error;
      }
    }
  }
}
