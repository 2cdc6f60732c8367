/** What a process holds at a moment, and whether it holds ever more. */
import { readdirSync, readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface ProcessFigures {
  /** Since the process was started, in ms. */
  readonly atMs: number;
  /** Bytes. */
  readonly rss: number;
  readonly heap: number;
  /** Bytes that objects of JavaScript hold outside of its heap, array buffers included. */
  readonly external: number;
  /** Handles and requests that keep the event loop going, by kind. */
  readonly handles: Readonly<Record<string, number>>;
  /** Of the whole process; undefined where the system does not tell (only Linux does), as are the children. */
  readonly threads?: number;
  readonly children?: number;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Figures of this moment, garbage not counted. */
export function processFigures(): ProcessFigures {
  collectGarbage();
  const { rss, heapUsed: heap, external } = process.memoryUsage();
  const handles: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo().sort()) handles[kind] = (handles[kind] ?? 0) + 1;
  return { atMs: performance.now(), rss, heap, external, handles, ...tasks() };
}

function tasks(): Pick<ProcessFigures, 'threads' | 'children'> {
  try {
    const ids = readdirSync('/proc/self/task');
    const children = ids.map(
      id => readFileSync(`/proc/self/task/${id}/children`, 'utf8').split(' ').length - 1,
    );
    return { threads: ids.length, children: children.reduce((sum, count) => sum + count, 0) };
  } catch {
    return {};
  }
}

/** Slope of the line of least squares through the points. @param x of two different values at least */
export function slope(x: readonly number[], y: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const both = x.reduce((sum, value, i) => sum + (value - mx) * (y[i] - my), 0);
  return both / x.reduce((sum, value) => sum + (value - mx) ** 2, 0);
}
