/** Runs that end in every way there is, for half an hour in one process: nothing may be left of any of them. */
import { setTimeout as delay } from 'node:timers/promises';
import { Purpose, Random } from '../src/random.js';
import { choice, count } from './flags.js';
import type { Bench, BenchOptions, BenchReport } from './harness.js';
import { type ProcessFigures, processFigures } from './process-figures.js';
import { doEpisode, episodes } from './soak-episodes.js';
import { describe, isBack, type SoakCourse, soakReport } from './soak-report.js';
import { withTemporaryFolder } from './temporary-folder.js';

const flags = {
  minutes: count(30, 'how long'),
  seed: count(1, 'of what is done, and when runs are ended'),
  engine: choice(['wasm', 'torch', 'cpu'], 'wasm', 'engine of the replicas'),
  replicas: count(2, 'replicas of a run'),
};

type Options = BenchOptions<typeof flags>;

const minuteMs = 60_000;
export const bench: Bench<typeof flags> = {
  description:
    'memory, handles and threads of one process that runs, stops and breaks off trainings for half an hour',
  flags,
  run: options => withTemporaryFolder('soak', folder => soak(folder, options)),
};

async function soak(folder: string, options: Options): Promise<BenchReport> {
  const { minutes, seed, engine, replicas } = options.values;
  const random = new Random({ seed, purpose: Purpose.sample });
  const context = { folder, random, engine, replicas };
  const names = Object.keys(episodes);
  const done = new Map<string, number>();
  const failures: string[] = [];
  const next = async (name: string): Promise<ProcessFigures> => {
    options.signal.throwIfAborted();
    try {
      await doEpisode(name, context);
    } catch (error) {
      failures.push(`${name}: ${(error as Error).message}`);
      options.say(`✖ ${failures.at(-1)}`);
    }
    done.set(name, (done.get(name) ?? 0) + 1);
    return processFigures();
  };
  for (const name of names) await next(name);
  const base = processFigures();
  options.say(`base   ${describe(base)}`);
  const course: SoakCourse = { base, samples: [base], done, failures };
  for (let minute = 1; minute <= minutes; minute++) {
    const end = base.atMs + minute * minuteMs;
    while (performance.now() < end) course.samples.push(await next(names[random.below(names.length)]));
    options.say(`${String(minute).padStart(3)} min  ${describe(course.samples.at(-1) as ProcessFigures)}`);
  }
  const { report, isGood } = soakReport({ ...course, samples: [...course.samples, await settled(base)] });
  if (!isGood) process.exitCode = 1;
  return report;
}

/** Figures once there are no more threads and handles than at the base, but after three seconds at the latest. */
async function settled(base: ProcessFigures): Promise<ProcessFigures> {
  for (let tries = 30; ; tries--) {
    const now = processFigures();
    if (tries === 0 || isBack(now, base)) return now;
    await delay(100);
  }
}
