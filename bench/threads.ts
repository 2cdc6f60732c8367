/** Worker threads of a bench, asked all at once. What they serve is in `serve.ts`. */
import { Worker } from 'node:worker_threads';
import { errorFromWire, type WireError } from '../src/errors.js';

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: WireError };

export class BenchThreads {
  readonly #workers: readonly Worker[];
  readonly #signal: AbortSignal;

  /** @param data what each thread is started with: one entry, one thread */
  constructor(entry: URL, data: readonly unknown[], signal: AbortSignal) {
    signal.throwIfAborted();
    this.#workers = data.map(workerData => new Worker(entry, { workerData }));
    this.#signal = signal;
    signal.addEventListener('abort', this.#abort, { once: true });
  }

  readonly #abort = (): void => {
    for (const worker of this.#workers) void worker.terminate();
  };

  /**
   * Sends every thread the same message; one question at a time.
   *
   * @returns their answers, in the order of their data
   * @throws what a thread threw, or an error when one is gone
   */
  ask<T>(message: unknown): Promise<T[]> {
    return Promise.all(this.#workers.map((worker, index) => this.#askOne<T>(worker, index, message)));
  }

  #askOne<T>(worker: Worker, index: number, message: unknown): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void): void => {
        worker.off('message', onMessage).off('error', onError).off('exit', onExit);
        finish();
      };
      const onMessage = (answer: Answer<T>): void =>
        settle(() => (answer.ok ? resolve(answer.value) : reject(errorFromWire(answer.error))));
      const onError = (error: unknown): void => settle(() => reject(error));
      const onExit = (code: number): void =>
        settle(() =>
          reject(this.#signal.reason ?? new Error(`bench thread ${index} exited with code ${code}`)),
        );
      worker.on('message', onMessage).on('error', onError).on('exit', onExit);
      worker.postMessage(message);
    });
  }

  /** Ends the threads, also in the middle of an answer. */
  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#abort);
    await Promise.all(this.#workers.map(worker => worker.terminate()));
  }
}
