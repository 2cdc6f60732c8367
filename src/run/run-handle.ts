/** A run as an object: started, watched, stopped and closed by whoever embeds it. */
import { randomUUID } from 'node:crypto';
import type { TrainOptions } from './config.js';
import { EventHistory } from './event-history.js';
import { runIsolated } from './isolated/run-isolated.js';
import type { RunControls } from './run-controls.js';
import { failureOf, type RunEvent, type RunEventBody } from './run-events.js';
import { runHere } from './run-here.js';
import type { TrainSummary } from './summary.js';
import type { TrainContext } from './train-context.js';

/** As for `train()`; what its listeners are told are events here. */
export interface RunContext
  extends Omit<
    TrainContext,
    | 'onStart'
    | 'onEpoch'
    | 'onWarning'
    | 'onOutput'
    | 'onCheckpoint'
    | 'onDataProgress'
    | 'onFolder'
    | 'savesAtStart'
  > {
  /** Names the run in its events and its log. Default: a random one. */
  readonly id?: string;
  /**
   * Train in a process of its own, so that a crash in native code harms no one else. The interface is the same, but for
   * `callbacks`, which cannot be handed to another process. Default false.
   */
  readonly isolate?: boolean;
  /** How long `close()` waits for the step under way and the saving before it ends the run at once, in ms. Default 10 000. */
  readonly closeGraceMs?: number;
}

/** A run under way, or one that is over. */
export interface Run {
  readonly id: string;
  /**
   * What happens, from the start of the run to its `end` or `failed`. It can be read as often as one likes, also at
   * the same time: each reader gets all of it. Whoever reads slowly holds up nothing.
   */
  readonly events: AsyncIterable<RunEvent>;
  /** Settles when the run is over and its threads are gone: rejects with what made it fail. */
  readonly result: Promise<TrainSummary>;
  /**
   * Ends the run after the step under way; the model is saved, and `result` says that it was stopped. A run that has
   * not come to its first step is ended at once, with an `AbortedError`.
   *
   * @param reason a text, to be found as `stopReason` in the summary
   */
  stop(reason?: string): void;
  /**
   * Stops the run and waits until its threads or its process are gone. Where that takes longer than `closeGraceMs`, it
   * is ended in the middle of its step. Never rejects; may be called more than once.
   */
  close(): Promise<void>;
}

/**
 * Starts what `train()` does, and gives it as an object. It never throws: what is wrong with the options arrives as
 * the event `failed`, and by `result`.
 */
export function startRun(options: TrainOptions = {}, context: RunContext = {}): Run {
  const { id = randomUUID(), isolate = false, closeGraceMs = 10_000, ...rest } = context;
  const execute = (controls: RunControls): Promise<TrainSummary> =>
    isolate
      ? runIsolated(options, { ...rest, id, graceMs: closeGraceMs }, controls)
      : runHere(options, { ...rest, id }, controls);
  return new RunHandle({ ...context, id, closeGraceMs }, execute);
}

class RunHandle implements Run {
  readonly id: string;
  readonly events: EventHistory;
  readonly result: Promise<TrainSummary>;
  readonly #stopper = new AbortController();
  readonly #aborter = new AbortController();
  readonly #closeGraceMs: number;
  #closing?: Promise<void>;

  constructor(
    { id, closeGraceMs, signal, abortSignal }: RunContext & { id: string; closeGraceMs: number },
    execute: (controls: RunControls) => Promise<TrainSummary>,
  ) {
    this.id = id;
    this.events = new EventHistory(id);
    this.#closeGraceMs = closeGraceMs;
    const unlink = [link(signal, this.#stopper), link(abortSignal, this.#aborter)];
    this.result = this.#follow(execute).finally(() => {
      for (const end of unlink) end();
    });
    // Whoever looks at the events only has seen it fail there.
    this.result.catch(() => {});
  }

  stop(reason?: string): void {
    this.#stopper.abort(reason);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #follow(execute: (controls: RunControls) => Promise<TrainSummary>): Promise<TrainSummary> {
    const emit = (event: RunEventBody): void => this.events.push(event);
    try {
      const { signal } = this.#stopper;
      const summary = await execute({ emit, signal, abortSignal: this.#aborter.signal });
      emit({ type: 'end', summary });
      return summary;
    } catch (error) {
      emit({ type: 'failed', error: failureOf(error) });
      throw error;
    }
  }

  async #close(): Promise<void> {
    this.stop('closed');
    const timer = setTimeout(() => this.#aborter.abort('closed'), this.#closeGraceMs);
    await this.result.catch(() => {});
    clearTimeout(timer);
  }
}

/** Has `controller` follow a signal of the caller's, until what it gives back is called. */
function link(signal: AbortSignal | undefined, controller: AbortController): () => void {
  if (!signal) return () => {};
  const follow = (): void => controller.abort(signal.reason);
  if (signal.aborted) follow();
  signal.addEventListener('abort', follow, { once: true });
  return () => signal.removeEventListener('abort', follow);
}
