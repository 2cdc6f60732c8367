import type { EpochFill } from './fill/epoch-fill.js';

/** How one loop over a loader goes, or went. */
export interface LoaderStats {
  /** Milliseconds that the loop waited for batches. */
  readonly waitMs: number;
  /** Milliseconds that decoders waited for a free slot, summed over them: what they could have done more. */
  readonly slotWaitMs: number;
  /** Samples given to the loop. */
  readonly images: number;
  /** From the beginning of the loop to its end, or till now. */
  readonly seconds: number;
}

/** Keeps count of the loop under way. */
export class StatsRecorder {
  waitMs = 0;
  #images = 0;
  #startMs = 0;
  #endMs: number | undefined = 0;
  #fill: Pick<EpochFill, 'slotWaitMs'> = { slotWaitMs: 0 };

  begin(fill: EpochFill): void {
    this.waitMs = 0;
    this.#images = 0;
    this.#startMs = performance.now();
    this.#endMs = undefined;
    this.#fill = fill;
  }

  waited(ms: number): void {
    this.waitMs += ms;
  }

  given(images: number): void {
    this.#images += images;
  }

  end(): void {
    this.#endMs = performance.now();
    // The numbers alone, so that the epoch's memory can go.
    this.#fill = { slotWaitMs: this.#fill.slotWaitMs };
  }

  read(): LoaderStats {
    const endMs = this.#endMs ?? performance.now();
    return {
      waitMs: this.waitMs,
      slotWaitMs: this.#fill.slotWaitMs,
      images: this.#images,
      seconds: (endMs - this.#startMs) / 1000,
    };
  }
}
