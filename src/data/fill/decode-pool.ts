import { availableParallelism } from 'node:os';
import { MessageChannel } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { errorFromWire, LoaderError } from '../../errors.js';
import { threadUrl } from '../../thread-url.js';
import { usesSharp } from '../decode/sharp-decoder.js';
import type { SampleSource } from '../samples/sample-source.js';
import type { DecodeResult, DecodeTask, PoolMessage, ThreadMessage } from './decode-thread.js';
import type { FillCrew, FillEvents } from './fill.js';
import { threadDied } from './fill-errors.js';
import type { FillJob } from './fill-slots.js';

/** Epochs that may be under way at once over one pool: their tasks share its threads. */
const MAX_EPOCHS_AT_ONCE = 64;

/**
 * Threads that decode. One pool serves several loaders, at once too: every epoch is one long task on each
 * thread, and a task that waits for a free slot leaves its thread to the others. Idle threads do not keep the
 * process alive.
 */
export class DecodePool {
  /** Number of threads. */
  readonly size: number;
  readonly #threads: Piscina<DecodeTask, DecodeResult>;
  #usesSharp = false;
  #failure: LoaderError | undefined;

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
    // Without a listener an idle thread's death would end the process; with one, the next epoch reports it.
    this.#threads.on('error', (cause: unknown) => {
      this.#failure ??= threadDied(cause);
    });
  }

  /**
   * What would make decoding faster and only the process's owner can set. undefined as long as no image was decoded by
   * sharp, here or on the calling thread: the other decoders use no threads of libuv.
   */
  get advice(): string | undefined {
    if (!this.#usesSharp && !usesSharp()) return undefined;
    return libuvAdvice(this.size, process.env.UV_THREADPOOL_SIZE);
  }

  /** Starts an epoch on all threads. @throws LoaderError where the pool cannot work any more */
  fill(job: FillJob, events: FillEvents, source: SampleSource): FillCrew {
    if (this.#failure !== undefined) throw this.#failure;
    const crew = Array.from({ length: this.size }, () => this.#startTask(job, events, source));
    return {
      settled: Promise.all(crew.map(({ settled }) => settled)).then(() => undefined),
      notify: () => {
        for (const { notify } of crew) notify();
      },
      abandon: () => {
        for (const { abandon } of crew) abandon();
      },
    };
  }

  /** Ends the threads, and with an error whatever they still decode. Calling it again does nothing. */
  async close(): Promise<void> {
    this.#failure ??= new LoaderError('the decode pool is closed', {
      where: 'DecodePool',
      hint: 'close a pool after the last epoch of all its loaders',
    });
    await this.#threads.destroy();
  }

  #startTask(job: FillJob, events: FillEvents, source: SampleSource): FillCrew {
    const { port1, port2 } = new MessageChannel();
    let thread: number | undefined;
    port1.on('message', (message: ThreadMessage) => {
      if (message === 'look') events.published();
      else thread = message.threadId;
    });
    const settled = this.#threads
      .run({ job, source, port: port2 }, { transferList: [port2] })
      .then(
        ({ error, usesSharp }) => {
          this.#usesSharp ||= usesSharp;
          if (error !== undefined) events.failed(errorFromWire(error));
          // The task's end may overtake its last message on the other port, and closing drops that.
          else events.published();
        },
        cause => events.died(cause),
      )
      .finally(() => {
        thread = undefined;
        port1.close();
      });
    const notify = (): void => port1.postMessage('look' satisfies PoolMessage);
    return { settled, notify, abandon: () => this.#end(thread) };
  }

  /** Ends a thread; piscina starts another, and what else it worked on fails. */
  #end(threadId: number | undefined): void {
    // Ended already, or not begun: then the stopped epoch is left as soon as the thread comes to it.
    if (threadId === undefined) return;
    void this.#threads.threads.find(thread => thread.threadId === threadId)?.terminate();
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
