import { Callback } from '../learner/callback.js';

export interface CompletionOptions {
  /** Called once at the end of the fit with the batches that were done in full. */
  readonly report?: (batches: number) => unknown;
  /** Report however the fit ends. Default false: as in the lessons, nothing after a cancel or an error. */
  readonly always?: boolean;
}

/** Counts the batches of a fit, training and validation together, and tells how many there were. */
export class CompletionCB extends Callback {
  override readonly fitOnly = true;
  /** Batches of this fit so far; of the last one afterwards. */
  count = 0;
  readonly #report: (batches: number) => unknown;
  readonly #always: boolean;

  constructor({ report = () => {}, always = false }: CompletionOptions = {}) {
    super();
    this.#report = report;
    this.#always = always;
  }

  override beforeFit(): void {
    this.count = 0;
  }

  override afterBatch(): void {
    this.count++;
  }

  override async afterFit(): Promise<void> {
    if (!this.#always) await this.#report(this.count);
  }

  override async cleanupFit(): Promise<void> {
    if (this.#always) await this.#report(this.count);
  }
}
