/** A loader at full speed: its batches are asked for as fast as they come, and nothing is done with them. */
import { setImmediate } from 'node:timers/promises';
import type { DataLoader } from '../data/data-loader.js';
import type { WorkersProfile } from './loader-profile.js';
import { watchProcess } from './process-watch.js';
import { RateWindows } from './rate-windows.js';

export interface DriveOptions {
  readonly seconds: number;
  /** Decode threads of the loader. */
  readonly workers: number;
  /** Warm up for an epoch at least: what a cache does is seen after that. */
  readonly wholeEpoch: boolean;
  readonly signal?: AbortSignal;
}

/** Longest time that the event loop is kept from turning by a loader whose batches are always there. */
const TURN_MS = 10;

/**
 * Goes through epochs until half of `seconds` are over, then measures for `seconds`.
 *
 * @param loader new, so that its first batch tells how long threads and decoders take to start
 * @throws whatever the loader throws; AbortedError by its signal
 */
export async function driveLoader(loader: DataLoader, options: DriveOptions): Promise<WorkersProfile> {
  const drive = new Drive(loader, options);
  try {
    // Leaving the loop stops the decoders.
    for (let epoch = 0; !(await drive.epoch(epoch)); epoch++);
    return drive.result();
  } finally {
    drive.close();
  }
}

class Drive {
  readonly #loader: DataLoader;
  readonly #options: DriveOptions;
  readonly #start = performance.now();
  #firstBatchMs = Number.NaN;
  #turned = this.#start;
  #windows: RateWindows | undefined;
  #watch: ReturnType<typeof watchProcess> | undefined;
  #slotWaitMs = 0;
  #decodeMs = 0;

  constructor(loader: DataLoader, options: DriveOptions) {
    this.#loader = loader;
    this.#options = options;
  }

  /** Goes through an epoch, or the rest of the measurement. True once that is complete. */
  async epoch(epoch: number): Promise<boolean> {
    let done = false;
    for await (const { size } of this.#loader) {
      done = this.#batch(size, epoch);
      if (done) break;
      if (performance.now() - this.#turned > TURN_MS) await this.#turn();
    }
    const { slotWaitMs, seconds } = this.#loader.stats;
    this.#slotWaitMs += slotWaitMs;
    this.#decodeMs += 1000 * seconds * Math.max(this.#options.workers, 1);
    await this.#turn();
    return done;
  }

  result(): WorkersProfile {
    const windows = this.#windows as RateWindows;
    const { cpuUs, peakRssBytes, eventLoopDelayMs } = (this.#watch as ReturnType<typeof watchProcess>)();
    return {
      workers: this.#options.workers,
      ...windows.rates,
      firstBatchMs: this.#firstBatchMs,
      cpuUsPerImage: cpuUs / windows.images,
      slotWaitShare: this.#slotWaitMs / this.#decodeMs,
      peakRssBytes,
      eventLoopDelayMs,
    };
  }

  close(): void {
    this.#watch?.();
  }

  #batch(size: number, epoch: number): boolean {
    const now = performance.now();
    if (Number.isNaN(this.#firstBatchMs)) this.#firstBatchMs = now - this.#start;
    if (this.#windows !== undefined) return this.#windows.add(size, now);
    const { seconds, wholeEpoch } = this.#options;
    if (now - this.#start < 500 * seconds || (wholeEpoch && epoch === 0)) return false;
    this.#windows = new RateWindows(seconds, now);
    this.#watch = watchProcess();
    return false;
  }

  async #turn(): Promise<void> {
    await setImmediate();
    this.#options.signal?.throwIfAborted();
    this.#turned = performance.now();
  }
}
