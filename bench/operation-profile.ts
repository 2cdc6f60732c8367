/** Where the torch engine's time goes, by operation: timers around every operation of its addon. */
import type { KernelTime } from '../src/engine/kernel-profile.js';
import { loadAddon, type Operation } from '../src/engine/torch/addon.js';

/** Times all operations of this thread until `stop`, which puts them back and returns the times, longest first. */
export function profileOperations(): { stop(): KernelTime[] } {
  const operations = loadAddon().operations as Record<string, Operation>;
  const originals = { ...operations };
  const times = new Map<string, { ms: number; calls: number }>();
  for (const [name, operation] of Object.entries(originals)) {
    const time = { ms: 0, calls: 0 };
    times.set(name, time);
    operations[name] = (...memory) => {
      const start = performance.now();
      try {
        operation(...memory);
      } finally {
        time.ms += performance.now() - start;
        time.calls++;
      }
    };
  }
  return {
    stop() {
      Object.assign(operations, originals);
      return [...times]
        .map(([kernel, time]) => ({ kernel, ...time }))
        .filter(({ calls }) => calls > 0)
        .sort((a, b) => b.ms - a.ms);
    },
  };
}
