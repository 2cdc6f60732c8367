/** The most memory that this process had resident since a start, beyond what it had then. */
import { readFileSync, writeFileSync } from 'node:fs';

const resident = (field: 'VmRSS' | 'VmHWM'): number => {
  const kibibytes = new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync('/proc/self/status', 'utf8'));
  return 1024 * Number(kibibytes?.[1]);
};

/** Starts; the function returned tells the bytes since. Undefined where the system does not tell (only Linux does). */
export function startPeakMemory(): (() => number) | undefined {
  try {
    // 5: the high-water mark falls back to what is resident now (proc(5)).
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    return undefined;
  }
  const start = resident('VmRSS');
  return () => resident('VmHWM') - start;
}
