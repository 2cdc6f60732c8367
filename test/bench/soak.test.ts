/** The soak's verdict: it must see memory that grows slowly, and whatever one run in many leaves behind. */
import { readdirSync } from 'node:fs';
import t from 'tap';
import { type ProcessFigures, processFigures, slope } from '../../bench/process-figures.js';
import { doEpisode } from '../../bench/soak-episodes.js';
import { soakReport } from '../../bench/soak-report.js';
import { Purpose, Random } from '../../src/random.js';

const minutes = 30;
const figures = (atMinutes: number, own: Partial<ProcessFigures> = {}): ProcessFigures => ({
  atMs: atMinutes * 60_000,
  rss: 150e6,
  heap: 20e6,
  external: 2e6,
  handles: { PipeWrap: 2 },
  threads: 11,
  children: 0,
  ...own,
});

/** Half an hour with a sample a minute. */
function verdict(at: (minute: number) => Partial<ProcessFigures>, failures: string[] = []) {
  const samples = Array.from({ length: minutes + 1 }, (_, minute) => figures(minute, at(minute)));
  return soakReport({ base: samples[0], samples, done: new Map(), failures });
}

t.test('flat is flat, and what grows, stays or fails is told', t => {
  // It settles in the first quarter, and rises and falls by 5 MB.
  const good = verdict(minute => ({ rss: (minute < 5 ? 120 : 150) * 1e6 + 5e6 * (minute % 2) }));
  t.equal(good.isGood, true);
  const growing = verdict(minute => ({ rss: 150e6 + minute * 0.5e6 + 5e6 * (minute % 2) }));
  t.match(growing, { isGood: false, report: { notes: [/^GROWS: .* by (29|30|31)\.\d MB an hour/] } });
  t.match(
    verdict(minute => ({ threads: minute === minutes ? 12 : 11 })),
    {
      isGood: false,
      report: { notes: [/^flat/, /LEFT BEHIND: .*threads 12/] },
    },
  );
  for (const left of [{ children: 1 }, { handles: { PipeWrap: 3 } }, { handles: { Timeout: 1 } }])
    t.equal(verdict(minute => (minute === minutes ? left : {})).isGood, false);
  t.equal(
    verdict(minute => (minute === 9 ? { threads: 20, children: 1 } : {})).isGood,
    true,
    'runs may use some',
  );
  t.match(
    verdict(() => ({}), ['stopped: hangs']),
    { isGood: false, report: { notes: [/./, /./, 'FAILED: stopped: hangs'] } },
  );
  t.equal(slope([0, 1, 2, 3], [5, 7, 9, 11]), 2);
  t.end();
});

t.test('this process has figures; an episode that goes wrong says so and clears up', async t => {
  const now = processFigures();
  t.ok(now.rss > now.heap && now.heap > 1e6);
  if (process.platform === 'linux') t.match(now, { threads: Number, children: 0 });
  const folder = t.testdir();
  const random = new Random({ seed: 1, purpose: Purpose.sample });
  const soak = { folder, random, engine: 'abacus', replicas: 1 };
  await t.rejects(doEpisode('failing recipe', soak), { code: 'E_CONFIG' });
  await doEpisode('replica restarted', { ...soak, engine: 'cpu', replicas: 2 });
  t.strictSame(readdirSync(folder), []);
});
