import { availableParallelism } from 'node:os';
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { errorFromWire, LoaderError } from '../../errors.js';
import { threadUrl } from '../../thread-url.js';
import { usesSharp } from '../decode/sharp-decoder.js';
import type { SampleSource } from '../samples/sample-source.js';
import type { DecodeResult, DecodeTask, PoolMessage, ThreadMessage } from './decode-thread.js';
import { settlesInTime } from './epoch-fill.js';
import type { FillCrew, FillEvents } from './fill.js';
import { threadDied } from './fill-errors.js';
import type { FillJob } from './fill-slots.js';

/** Epochs that may be under way at once over one pool: their tasks share its threads. */
const MAX_EPOCHS_AT_ONCE = 64;

/** What piscina tells of a thread that it starts in the place of another: it is there, or has ended again. */
const replacementEvents = ['workerCreate', 'workerDestroy', 'error'] as const;

/**
 * Threads that decode. One pool serves several loaders, at once too: every epoch is one long task on each
 * thread, and a task that waits for a free slot leaves its thread to the others. Idle threads do not keep the
 * process alive. A thread that ends is replaced by another; the epochs that it worked on hear of it.
 */
export class DecodePool {
  /** Number of threads. */
  readonly size: number;
  readonly #threads: Piscina<DecodeTask, DecodeResult>;
  /** How tasks that no thread has begun are given up. */
  readonly #waiting = new Set<(error: LoaderError) => void>();
  /** Settles when there is a thread in the place of one that ended, or it could not start either. */
  #replacement: Promise<void> | undefined;
  #usesSharp = false;
  /** Epochs, and when their tasks have ended. */
  readonly #underWay = new Map<FillEvents, Promise<void>>();
  #closed: LoaderError | undefined;
  #closing: Promise<void> | undefined;

  /** Starts the threads. Default: `defaultPoolSize()`. */
  constructor(size = defaultPoolSize()) {
    if (!Number.isInteger(size) || size < 1) {
      throw new LoaderError(`a pool of ${size} decode threads`, {
        where: 'numWorkers',
        hint: 'a whole number of threads, 1 or more',
      });
    }
    this.size = size;
    this.#threads = new Piscina({
      filename: threadUrl('./decode-thread', import.meta.url).href,
      minThreads: size,
      maxThreads: size,
      concurrentTasksPerWorker: MAX_EPOCHS_AT_ONCE,
      idleTimeout: Infinity,
      // Threads must return to their event loop between tasks: ports and libuv work live there.
      atomics: 'disabled',
    });
    // Without a listener the death of a thread without a task would end the process.
    this.#threads.on('error', (cause: unknown) => this.#checkThreads(cause));
    // Told in the middle of piscina's work: whether another one is started shows after it, when tasks know the cause.
    this.#threads.on('workerDestroy', () =>
      setImmediate(() => this.#checkThreads('it ended before it had begun')),
    );
  }

  /**
   * What would make decoding faster and only the process's owner can set. undefined as long as no image was decoded by
   * sharp, here or on the calling thread: the other decoders use no threads of libuv.
   */
  get advice(): string | undefined {
    if (!this.#usesSharp && !usesSharp()) return undefined;
    return libuvAdvice(this.size, process.env.UV_THREADPOOL_SIZE);
  }

  /** Starts an epoch on all threads. @throws LoaderError where the pool is closed */
  fill(job: FillJob, events: FillEvents, source: SampleSource): FillCrew {
    if (this.#closed !== undefined) throw this.#closed;
    const crew = Array.from({ length: this.size }, () => this.#startTask({ job, source }, events));
    const all = (tell: (member: FillCrew) => void) => () => crew.forEach(tell);
    const settled = Promise.all(crew.map(({ settled }) => settled)).then(() => undefined);
    this.#underWay.set(events, settled);
    void settled.then(() => this.#underWay.delete(events));
    return {
      settled,
      notify: all(({ notify }) => notify()),
      collect: all(({ collect }) => collect()),
      abandon: all(({ abandon }) => abandon()),
    };
  }

  /** Ends with an error what is still decoded, and then the threads. Calling it again does nothing. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#closed = new LoaderError('the decode pool is closed', {
      where: 'DecodePool',
      hint: 'close a pool after the last epoch of all its loaders',
    });
    const left = [...this.#underWay.values()];
    for (const { failed } of this.#underWay.keys()) failed(this.#closed);
    // Not in the middle of its work: Node.js aborts where a thread is ended while it begins to inflate.
    await settlesInTime(
      Promise.all(left).then(() => undefined),
      false,
    );
    await this.#threads.destroy();
  }

  #startTask(task: Omit<DecodeTask, 'port'>, events: FillEvents): FillCrew {
    const { port1, port2 } = new MessageChannel();
    let giveUp: (error: LoaderError) => void = () => undefined;
    const givenUp = new Promise<never>((_, reject) => {
      giveUp = reject;
    });
    let thread: number | undefined;
    const hear = (message: ThreadMessage): void => {
      if (message === 'look') events.published();
      else if ('skipped' in message) events.skipped(message.skipped);
      else {
        this.#waiting.delete(giveUp);
        thread = message.threadId;
      }
    };
    port1.on('message', hear);
    this.#waiting.add(giveUp);
    const settled = Promise.race([this.#run({ ...task, port: port2 }), givenUp])
      .then(
        ({ error, usesSharp }) => {
          this.#usesSharp ||= usesSharp;
          if (error !== undefined) events.failed(errorFromWire(error));
          else events.published();
        },
        cause => this.#taskDied(cause, events),
      )
      .finally(() => {
        thread = undefined;
        this.#waiting.delete(giveUp);
        // The task's end may overtake its last messages on the other port, and closing drops those.
        drain(port1, hear);
        port1.close();
      });
    const notify = (): void => port1.postMessage('look' satisfies PoolMessage);
    const collect = (): void => drain(port1, hear);
    return { settled, notify, collect, abandon: () => this.#end(thread) };
  }

  /** Not before there are as many threads as there are to be: piscina would give two tasks to one of those left. */
  async #run(task: DecodeTask): Promise<DecodeResult> {
    if (this.#replacement !== undefined) await this.#replacement;
    if (this.#closed !== undefined) throw this.#closed;
    return this.#threads.run(task, { transferList: [task.port] });
  }

  #taskDied(cause: unknown, events: FillEvents): void {
    const error = this.#closed ?? (cause instanceof LoaderError ? cause : undefined);
    if (error !== undefined) {
      events.failed(error);
      return;
    }
    // Piscina starts none in the place of one that ended before it had begun.
    if (this.#threads.threads.length === this.size) this.#replacement ??= this.#nextThread();
    events.died(cause);
  }

  async #nextThread(): Promise<void> {
    await new Promise<void>(resolve => {
      const settle = (): void => {
        for (const name of replacementEvents) this.#threads.off(name, settle);
        resolve();
      };
      for (const name of replacementEvents) this.#threads.on(name, settle);
    });
    this.#replacement = undefined;
  }

  /** A thread ended. Where none is left and none is being started, those who wait for one would do so for ever. */
  #checkThreads(cause: unknown): void {
    if (this.#closed !== undefined || this.#threads.threads.length > 0) return;
    for (const giveUp of this.#waiting) giveUp(threadDied(cause));
  }

  /** Ends a thread; piscina starts another, and what else it worked on is done again. */
  #end(threadId: number | undefined): void {
    // Ended already, or not begun: then the stopped epoch is left as soon as the thread comes to it.
    if (threadId === undefined) return;
    void this.#threads.threads.find(thread => thread.threadId === threadId)?.terminate();
  }
}

/** Hears at once what has arrived on a port. Of one that is closed, nothing. */
function drain(port: MessagePort, hear: (message: ThreadMessage) => void): void {
  for (;;) {
    const received = receiveMessageOnPort(port);
    if (received === undefined) return;
    hear(received.message);
  }
}

/** All cores of a small machine, where replicas wait for data most of the time; elsewhere one less, 16 at most. */
export function defaultPoolSize(cores = availableParallelism()): number {
  return cores <= 2 ? cores : Math.min(cores - 1, 16);
}

/** libuv starts four threads unless told otherwise before the process starts; sharp decodes on those. */
export function libuvAdvice(poolSize: number, setting: string | undefined): string | undefined {
  const libuvThreads = Number(setting) || 4;
  if (libuvThreads >= poolSize) return undefined;
  return (
    `${poolSize} decode threads share ${libuvThreads} libuv threads: ` +
    `set UV_THREADPOOL_SIZE=${poolSize} before Node.js starts`
  );
}
