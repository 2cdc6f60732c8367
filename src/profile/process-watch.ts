import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Between two looks at the clock and at the memory. */
const RESOLUTION_MS = 1;
const MEMORY_MS = 20;

export interface ProcessLoad {
  /** Processor time of all its threads meanwhile, microseconds. */
  readonly cpuUs: number;
  /** Highest resident memory of the whole process meanwhile. */
  readonly peakRssBytes: number;
  /** By how much the calling thread's event loop came late. */
  readonly eventLoopDelayMs: { readonly p50: number; readonly p99: number };
}

/** Watches processor, memory and event loop from now on. @returns ends it, and tells what was seen */
export function watchProcess(): () => ProcessLoad {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  let peakRssBytes = process.memoryUsage.rss();
  const look = (): void => {
    peakRssBytes = Math.max(peakRssBytes, process.memoryUsage.rss());
  };
  const timer = setInterval(look, MEMORY_MS).unref();
  delay.enable();
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    delay.disable();
    clearInterval(timer);
    look();
    // Node counts from one look to the next: the pause between them is no delay.
    const late = (share: number): number => Math.max(delay.percentile(share) / 1e6 - RESOLUTION_MS, 0);
    return { cpuUs: user + system, peakRssBytes, eventLoopDelayMs: { p50: late(50), p99: late(99) } };
  };
}
