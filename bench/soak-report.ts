/** What a soak came to: figures, and whether memory, threads and handles stayed what they were. */
import { type BenchReport, type Measurement, summarise } from './harness.js';
import { type ProcessFigures, slope } from './process-figures.js';

const megabyte = 1e6;
/** Of the time: until then memory may still grow to what it takes to be full. */
const settlingShare = 0.25;
/** Growth of the resident memory, as a share of it, over the rest of the time, that is no growth. */
const flatShare = 0.05;

/** How it went. */
export interface SoakCourse {
  /** After one episode of every kind. */
  readonly base: ProcessFigures;
  /** After each episode. */
  readonly samples: ProcessFigures[];
  readonly done: Map<string, number>;
  readonly failures: string[];
}

/** Whether no more threads, processes and handles are there than at the base. */
export const isBack = (now: ProcessFigures, base: ProcessFigures): boolean =>
  (now.threads ?? 0) <= (base.threads ?? 0) &&
  (now.children ?? 0) <= (base.children ?? 0) &&
  Object.entries(now.handles).every(([kind, number]) => number <= (base.handles[kind] ?? 0));

const shown = (handles: ProcessFigures['handles']): string =>
  Object.entries(handles)
    .map(([kind, number]) => `${number} ${kind}`)
    .join(', ') || 'none';

const total = ({ handles }: ProcessFigures): number => Object.values(handles).reduce((sum, n) => sum + n, 0);

/** A line for people. */
export function describe(figures: ProcessFigures): string {
  const [rss, heap, external] = [figures.rss, figures.heap, figures.external].map(bytes =>
    (bytes / megabyte).toFixed(1),
  );
  const tasks = `threads ${figures.threads ?? '?'}  children ${figures.children ?? '?'}`;
  return `RSS ${rss} MB  heap ${heap} MB  external ${external} MB  ${tasks}  handles ${shown(figures.handles)}`;
}

/** Figures and verdict. @param course its last sample was taken when all had time to be gone */
export function soakReport({ base, samples, done, failures }: SoakCourse): {
  report: BenchReport;
  isGood: boolean;
} {
  const last = samples.at(-1) as ProcessFigures;
  const hours = (last.atMs - base.atMs) / 3.6e6;
  const after = samples.filter(({ atMs }) => atMs >= base.atMs + settlingShare * hours * 3.6e6);
  const row = (
    name: string,
    unit: string,
    of: (figures: ProcessFigures) => number | undefined,
  ): Measurement[] => {
    const values = after.map(of).filter(value => value !== undefined);
    return values.length === 0 ? [] : [summarise(name, unit, values)];
  };
  const perHour = slope(
    after.map(({ atMs }) => atMs / 3.6e6),
    after.map(({ rss }) => rss / megabyte),
  );
  const [memory] = row('resident memory', 'MB', ({ rss }) => rss / megabyte);
  const growth = perHour * hours * (1 - settlingShare);
  const isFlat = growth < flatShare * memory.median;
  const verdicts = [
    `${isFlat ? 'flat' : 'GROWS'}: resident memory changes by ${perHour.toFixed(1)} MB an hour after the first quarter`,
    isBack(last, base)
      ? 'threads, child processes and handles are back at their base'
      : `LEFT BEHIND: ${describe(last)}; the base was ${describe(base)}`,
    ...(failures.length === 0
      ? ['every run came to what it should']
      : failures.map(text => `FAILED: ${text}`)),
  ];
  const report = {
    settings: { hours: Number(hours.toFixed(2)), ...Object.fromEntries(done) },
    rows: [
      { ...memory, also: { value: perHour, unit: 'MB/h' } },
      ...row('heap', 'MB', ({ heap }) => heap / megabyte),
      ...row('external', 'MB', ({ external }) => external / megabyte),
      ...row('threads', 'threads', ({ threads }) => threads),
      ...row('child processes', 'processes', ({ children }) => children),
      ...row('handles', 'handles', total),
    ],
    notes: [...verdicts, 'taken between two runs, garbage collected, after the first quarter of the time'],
  };
  return { report, isGood: isFlat && isBack(last, base) && failures.length === 0 };
}
