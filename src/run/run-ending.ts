import { AbortedError } from '../errors.js';
import type { TrainContext } from './train-context.js';

/**
 * When a run is to end at once: always by `abortSignal`; by `signal`, which otherwise lets the step under way end, too,
 * as long as there is no step, for then nothing is there to be saved.
 */
export class RunEnding {
  readonly #context: Pick<TrainContext, 'signal' | 'abortSignal'>;
  readonly #controller = new AbortController();

  /** @throws AbortedError when one of them has come already */
  constructor({ signal, abortSignal }: Pick<TrainContext, 'signal' | 'abortSignal'>) {
    this.#context = { signal, abortSignal };
    const given = [signal, abortSignal];
    const early = given.find(one => one?.aborted);
    if (early) throw new AbortedError('the run was stopped before it began', { cause: early.reason });
    signal?.addEventListener('abort', this.#onStop);
    abortSignal?.addEventListener('abort', this.#onAbort);
  }

  /** For all that is open while the run lasts. */
  get atOnce(): AbortSignal {
    return this.#controller.signal;
  }

  /** All is open: from now on `signal` is the Learner's. @throws AbortedError when it came before */
  started(): void {
    this.#context.signal?.removeEventListener('abort', this.#onStop);
    if (!this.atOnce.aborted) return;
    throw new AbortedError('the run was stopped before its first step', { cause: this.atOnce.reason });
  }

  /** Listens no longer. */
  close(): void {
    this.#context.signal?.removeEventListener('abort', this.#onStop);
    this.#context.abortSignal?.removeEventListener('abort', this.#onAbort);
  }

  readonly #onStop = (): void => this.#controller.abort(this.#context.signal?.reason);
  readonly #onAbort = (): void => this.#controller.abort(this.#context.abortSignal?.reason);
}
