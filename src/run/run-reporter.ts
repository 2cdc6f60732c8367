import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import { errorToWire, type GradringError, type WireError } from '../errors.js';
import type { RunWarning } from '../protocol/warning.js';
import type { RunFolder } from './run-folder.js';
import { loggedError, type RunLog, runLog } from './run-log.js';
import { warningsTo } from './run-warnings.js';
import { StepLogCB } from './step-log.js';
import type { TrainContext } from './train-context.js';

/** What a run tells as it goes on: to its log, its folder and its caller. */
export class RunReporter {
  readonly log: RunLog;
  /** Knows the step that records are of, once it is in the fit. */
  readonly steps: StepLogCB;
  readonly warn: (warning: RunWarning) => void;
  readonly #folder?: RunFolder;
  readonly #context: TrainContext;

  constructor(folder: RunFolder | undefined, context: TrainContext) {
    this.#folder = folder;
    this.#context = context;
    this.log = runLog({
      folder,
      logger: context.logger,
      run: context.id ?? (folder ? basename(folder.path) : randomUUID()),
      step: () => this.steps.stepsDone,
      onFailure: error =>
        this.warn({
          code: 'W_LOG',
          message: `log.jsonl cannot be written: ${(error as Error).message}`,
          hint: 'the run goes on without those records; look at the free space of its folder',
        }),
    });
    this.steps = new StepLogCB(this.log);
    this.warn = warningsTo(this.log, context.onWarning);
  }

  /** What a recipe printed. It comes as a message, where nobody could catch what a listener throws. */
  readonly output = (replica: number, text: string): void => {
    this.log.info({ event: 'output', replica, text }, 'the recipe printed');
    try {
      this.#context.onOutput?.(replica, text);
    } catch (error) {
      this.log.error({ event: 'listener', ...loggedError(error) }, 'a listener to the output threw');
    }
  };

  /** A checkpoint is on the disk. */
  saved(path: string, step: number, ms: number): void {
    this.log.info({ event: 'checkpoint', path, step, ms: Math.round(ms) }, 'checkpoint saved');
    this.#context.onCheckpoint?.({ path, step });
  }

  /** Leaves `FAILED.json` in the folder. */
  failed(error: unknown): void {
    const { replica, step = this.steps.stepsDone, phase } = error as Partial<GradringError>;
    this.log.error({ event: 'failed', replica, step, phase, ...loggedError(error) }, 'run failed');
    try {
      this.#folder?.writeJson('FAILED.json', { ...failure(error), step });
    } catch {
      // The folder itself may be what failed: the first error is the one to tell.
    }
  }

  close(): void {
    this.log.close();
  }
}

/** For a bug report: the error, what caused it, outermost first, and what went wrong after it. */
function failure(error: unknown): object {
  const { cause, ...itself } = errorToWire(error);
  const causes: Omit<WireError, 'cause'>[] = [];
  for (let next = cause; next; next = next.cause) {
    const { cause: _, ...one } = next;
    causes.push(one);
  }
  const { suppressed } = error as { suppressed?: unknown };
  const later = Array.isArray(suppressed) ? suppressed.map(one => errorToWire(one)) : undefined;
  return { ...itself, causes, suppressed: later };
}
