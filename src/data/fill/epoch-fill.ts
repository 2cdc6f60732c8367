/** One epoch on its way into the slots, as the loader sees it. Batch b is in slot b mod S, whoever writes it. */
export interface EpochFill {
  /** Batches complete and not yet released. */
  readonly filled: number;
  /** Milliseconds that decoders waited for a free slot, summed over them. */
  readonly slotWaitMs: number;
  /**
   * Settles when `batch` is complete in its slot, or there is none of this number.
   *
   * @returns milliseconds that it was waited for
   * @throws what `fail` was told, at once; LoaderError when its time is over
   */
  ready(batch: number): Promise<number>;
  /** Samples in `batch`, when it is ready; 0: the epoch had ended before it. */
  sizeOf(batch: number): number;
  /** The slot of `batch` may be written again. */
  release(batch: number): void;
  /** Ends the epoch with an error: the first one told is the one `ready` throws. */
  fail(error: Error): void;
  /**
   * Ends the epoch wherever it is. Settles when nobody touches the slots any more.
   *
   * @returns false where that could not be waited for: the slots are not to be used again
   */
  stop(): Promise<boolean>;
}

/** Decoders that do not end are given up after so many milliseconds; sooner where one is known to hang. */
const GRACE_MS = { usual: 5000, hung: 200 };

/** Whether what `settled` tells of comes to its end within a grace period. */
export async function settlesInTime(settled: Promise<void>, isHung: boolean): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>(resolve => {
    timer = setTimeout(() => resolve(false), isHung ? GRACE_MS.hung : GRACE_MS.usual);
  });
  try {
    return await Promise.race([settled.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
