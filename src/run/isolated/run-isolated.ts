/** A run in a process of its own: what crashes there leaves the host unharmed, and can be started again. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AbortedError, ConfigError, type IsolatedRunError } from '../../errors.js';
import type { TrainConfig, TrainOptions } from '../config.js';
import { resolveConfig } from '../resolve-config.js';
import type { RunControls } from '../run-controls.js';
import { RunFolder } from '../run-folder.js';
import type { Logger } from '../run-log.js';
import { RunReporter } from '../run-reporter.js';
import type { TrainSummary } from '../summary.js';
import type { TrainContext } from '../train-context.js';
import { optionsAfterCrash } from './after-crash.js';
import { crashError } from './crash-error.js';
import type { FromProcess } from './messages.js';
import { type Crash, type Outcome, RunProcess } from './run-process.js';

export interface IsolatedContext {
  readonly id?: string;
  readonly logger?: Logger;
  readonly callbacks?: TrainContext['callbacks'];
  /** How long the run may take to stop once this process is gone, in ms. */
  readonly graceMs: number;
}

type Message = Exclude<FromProcess, { type: 'end' | 'failed' }>;

/**
 * Trains in a process of its own and tells events. Where the settings say `onReplicaFailure` `restart` or `shrink`, a
 * process that crashes is followed by another one, from the newest checkpoint, `maxRestarts` times at most.
 *
 * @throws IsolatedRunError when a process crashed for good
 * @throws GradringError whatever the run itself ended with
 */
export async function runIsolated(
  options: TrainOptions,
  context: IsolatedContext,
  controls: RunControls,
): Promise<TrainSummary> {
  requirePlain(options, context);
  const run = new IsolatedRun(context, controls, options);
  for (let restarts = 0, next = options; ; restarts++) {
    const outcome = await run.attempt(next);
    if ('summary' in outcome) return outcome.summary;
    if ('error' in outcome) throw outcome.error;
    const finished = run.finished(outcome.crash);
    if (finished) return finished;
    next = await run.recover(next, outcome.crash, restarts);
  }
}

/** @throws ConfigError when something would have to cross to the other process that cannot */
function requirePlain(options: TrainOptions, { callbacks = [] }: IsolatedContext): void {
  if (callbacks.length > 0)
    throw new ConfigError('callbacks cannot be handed to a run in a process of its own', {
      where: 'callbacks',
      hint: 'use the events of the run, or leave isolate out',
    });
  // What a resumed run adds to the settings it had is checked where those are read.
  if (options.resume === undefined) resolveConfig(options);
  try {
    structuredClone(options);
  } catch (cause) {
    throw new ConfigError(`the options are not plain data: ${(cause as Error).message}`, {
      where: 'options',
      cause,
    });
  }
}

/** The processes of one run, one after the other, and what was seen of the newest. */
class IsolatedRun {
  readonly #context: IsolatedContext;
  readonly #controls: RunControls;
  #settings: Pick<TrainConfig, 'gpus' | 'onReplicaFailure' | 'maxRestarts'>;
  #since = 0;
  #folder?: string;
  /** Whether the newest process made or took over the folder: what stands there of an end is then its own. */
  #hasFolder = false;
  #devices?: readonly string[];
  #step = 0;
  #phase = 'start';

  constructor(context: IsolatedContext, controls: RunControls, options: TrainOptions) {
    this.#context = context;
    this.#controls = controls;
    const { gpus = 1, onReplicaFailure = 'fail', maxRestarts = 3 } = options;
    this.#settings = { gpus, onReplicaFailure, maxRestarts };
  }

  /** One process, from its start until it is gone. @throws AbortedError */
  async attempt(options: TrainOptions): Promise<Outcome> {
    const { signal, abortSignal, emit } = this.#controls;
    this.#throwIfEnded();
    this.#since = Date.now();
    this.#phase = 'start';
    this.#hasFolder = false;
    const { id, logger, graceMs } = this.#context;
    const child = new RunProcess(
      { options, id, logs: logger !== undefined, graceMs },
      {
        onMessage: message => this.#receive(message),
        onOutput: text => {
          logger?.info({ event: 'output', run: id, text }, 'the process of the run printed');
          emit({ type: 'output', text });
        },
      },
    );
    const stop = (): void => child.stop(signal.reason);
    const abort = (): void => child.abort();
    signal.addEventListener('abort', stop);
    abortSignal.addEventListener('abort', abort);
    try {
      return await child.outcome;
    } finally {
      signal.removeEventListener('abort', stop);
      abortSignal.removeEventListener('abort', abort);
    }
  }

  /** What the run came to, where all was done and saved before its process crashed. */
  finished(crash: Crash): TrainSummary | undefined {
    const path = join(this.#folder ?? '', 'summary.json');
    if (!this.#hasFolder || !existsSync(path)) return undefined;
    const { message, hint } = this.#errorOf(crash);
    this.#report(this.#folder, reporter =>
      reporter.warn({
        code: 'W_PROCESS_CRASHED',
        message: `${message}; all was done and saved by then`,
        hint,
      }),
    );
    return JSON.parse(readFileSync(path, 'utf8'));
  }

  /**
   * The options of the process that takes over.
   *
   * @param restarts how many did so before
   * @throws IsolatedRunError when none may
   * @throws AbortedError when the run was ended at once, which no process may survive
   */
  async recover(options: TrainOptions, crash: Crash, restarts: number): Promise<TrainOptions> {
    const { signal, abortSignal } = this.#controls;
    if (abortSignal.aborted) this.#throwIfEnded();
    const { gpus, onReplicaFailure: policy, maxRestarts } = this.#settings;
    const error = this.#errorOf(crash);
    const may = restarts < maxRestarts && !signal.aborted;
    const witnessed = { since: this.#since, folder: this.#folder, gpus, devices: this.#devices };
    const next = may ? await optionsAfterCrash(options, witnessed, policy) : undefined;
    if (next === undefined) {
      this.#report(this.#folder, reporter => reporter.failed(error));
      throw error;
    }
    const { gpus: left = gpus, resume } = next;
    this.#settings = { ...this.#settings, gpus: left };
    const where = resume === undefined ? 'from its beginning' : `from the newest checkpoint in ${resume}`;
    const devices = left === gpus ? '' : ` on ${left} instead of ${gpus}`;
    const warning = {
      code: 'W_PROCESS_RESTARTED',
      message: `${error.message}; it goes on ${where}${devices} (restart ${restarts + 1} of ${maxRestarts})`,
      hint: error.hint,
      step: this.#step,
      phase: this.#phase,
    };
    // A folder that a new run is to begin in must stay empty.
    this.#report(resume === undefined ? undefined : this.#folder, reporter => reporter.warn(warning));
    return next;
  }

  #errorOf(crash: Crash): IsolatedRunError {
    return crashError(crash, { step: this.#step, phase: this.#phase, folder: this.#folder });
  }

  #throwIfEnded(): void {
    const { signal, abortSignal } = this.#controls;
    const given = [abortSignal, signal].find(({ aborted }) => aborted);
    if (given) throw new AbortedError('the run was ended', { cause: given.reason });
  }

  #receive(message: Message): void {
    if (message.type === 'event') {
      const { event } = message;
      if (event.type === 'start') {
        this.#devices = event.start.devices;
        this.#step = event.start.resumed?.step ?? 0;
      }
      if (event.type === 'progress') {
        this.#step = event.step;
        this.#phase = event.phase;
      }
      this.#controls.emit(event);
    } else if (message.type === 'folder') {
      this.#folder = message.path;
      this.#hasFolder = true;
      this.#settings = message.config;
    } else {
      this.#context.logger?.[message.level]?.(message.record, message.message);
    }
  }

  /** To the caller, and to the folder and the log of the run, now that no process writes there. */
  #report(folder: string | undefined, what: (reporter: RunReporter) => void): void {
    const { id, logger } = this.#context;
    const { emit } = this.#controls;
    const reporter = new RunReporter(folder === undefined ? undefined : RunFolder.at(folder), {
      id,
      logger,
      onWarning: warning => emit({ type: 'warning', warning }),
    });
    what(reporter);
    reporter.close();
  }
}
