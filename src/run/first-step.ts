import { Callback } from '../learner/callback.js';

/** Notes how long after `since` (ms, of `performance.now`) the first batch was done. */
export class FirstStepCB extends Callback {
  readonly #since: number;
  /** null before. */
  seconds: number | null = null;

  constructor(since: number) {
    super();
    this.#since = since;
  }

  override afterBatch(): void {
    this.seconds ??= (performance.now() - this.#since) / 1000;
  }
}
