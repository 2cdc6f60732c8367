/** Warnings of a run: when each is given, what it says, and how often people are told. */
import t from 'tap';
import type { TimeShares } from '../../src/callbacks/time-account.js';
import type { DataLoaders } from '../../src/data/data-loaders.js';
import type { RunWarning } from '../../src/protocol/warning.js';
import { EpochWatch, type WatchedEpoch } from '../../src/run/epoch-watch.js';
import { warningsTo } from '../../src/run/run-warnings.js';
import { settingsWarnings } from '../../src/run/settings-warnings.js';

const replica = (compute: number) => ({ device: 'cuda:0', compute, reduce: 0.1, update: 0 });

const shares = (some: Partial<TimeShares>): TimeShares => ({
  data: 0,
  compute: 0.5,
  reduce: 0.1,
  update: 0,
  steps: 0,
  validation: 0.2,
  checkpoints: 0,
  other: 0.2,
  replicas: [replica(0.5), replica(0.5), replica(0.5)],
  ...some,
});

const epoch = (some: Partial<WatchedEpoch>): WatchedEpoch => ({
  epoch: 1,
  step: 100,
  seconds: 60,
  timeShares: shares({}),
  replicas: 3,
  checkpoints: { share: 0.05, runSeconds: 60 },
  residentBytes: 2 ** 30,
  ...some,
});

const codes = (found: readonly RunWarning[]): string[] => found.map(({ code }) => code);

t.test('waiting for data: above a fifth of an epoch that is long enough to be measured', async t => {
  const watch = new EpochWatch({ cache: 'none' });
  const waiting = (data: number, more = {}) =>
    watch.warningsOf(epoch({ timeShares: shares({ data }), ...more }));
  t.same(waiting(0.2), []);
  t.same(waiting(0.5, { seconds: 9 }), []);
  const [warning] = waiting(0.21);
  t.match(warning, { code: 'W_DATA_WAIT', message: 'epoch 1 waited 21 % of its time for data', step: 100 });
  t.match(warning.hint, /--workers.*--cache.*gradring profile/);
  const cached = new EpochWatch({ cache: 'memory' });
  const slow = { timeShares: shares({ data: 0.6 }) };
  t.same(cached.warningsOf(epoch(slow)), [], 'the first epoch fills the cache');
  t.notMatch(cached.warningsOf(epoch({ ...slow, epoch: 2 }))[0].hint, /--cache/);
});

t.test('a slow replica: against the median of the others, of two as of many', async t => {
  const watch = new EpochWatch({ cache: 'none' });
  const of = (...computes: number[]) =>
    watch.warningsOf(
      epoch({ timeShares: shares({ replicas: computes.map(replica) }), replicas: computes.length }),
    );
  t.same(of(0.4, 0.6, 0.4), [], 'half as long again is not more than that');
  t.match(of(0.4, 0.4, 0.61), [{ code: 'W_SLOW_REPLICA', replica: 2 }]);
  t.match(of(0.8, 0.4), [{ replica: 0, message: /replica 0 \(cuda:0\) computed 2\.0 times as long/ }]);
  t.same(of(0.9), []);
  t.same(of(0, 0), []);
  const lost = shares({ replicas: [0.5, 0.5, 0.1].map(replica) });
  t.same(watch.warningsOf(epoch({ timeShares: lost, replicas: 2 })), [], 'one was given up in this epoch');
});

t.test('checkpoints: above a tenth of the run so far', async t => {
  const watch = new EpochWatch({ cache: 'none' });
  const saving = (share: number, runSeconds: number) =>
    codes(watch.warningsOf(epoch({ checkpoints: { share, runSeconds } })));
  t.same(saving(0.1, 600), []);
  t.same(saving(0.11, 9), []);
  t.same(saving(0.11, 10), ['W_CHECKPOINT_TIME']);
});

t.test('memory: growth in four epochs in a row, and enough of it', async t => {
  const run = (...mebibytes: number[]): string[] => {
    const watch = new EpochWatch({ cache: 'none' });
    return mebibytes.flatMap((size, i) =>
      codes(watch.warningsOf(epoch({ epoch: i + 1, residentBytes: size * 2 ** 20 }))),
    );
  };
  t.same(run(500, 1000, 1100, 1200, 1300, 1400), ['W_MEMORY']);
  t.same(run(500, 1000, 1100, 1200, 1300), [], 'the first epoch does not count');
  t.same(run(500, 1000, 1100, 1090, 1300, 1400), [], 'not in a row');
  t.same(run(500, 1000, 1010, 1020, 1030, 1040), [], 'not enough');
});

t.test('settings: batches that divide unevenly, and what loaders advise', async t => {
  const none = { pool: undefined, train: {} } as DataLoaders;
  t.same(settingsWarnings(256, 3, none), [], '86 + 85 + 85');
  t.same(settingsWarnings(12, 3, none), []);
  t.match(settingsWarnings(10, 3, none), [
    { code: 'W_UNEVEN_SHARDS', message: /up to 25 %/, hint: 'a batch size of 9 or 12 divides evenly' },
  ]);
  const advised = {
    pool: { advice: '8 decode threads share 4 libuv threads: set UV_THREADPOOL_SIZE=8' },
    train: { cache: { advice: "there is no room: raise cache.maxBytes, or use cache: 'disk'" } },
  } as DataLoaders;
  t.same(settingsWarnings(12, 3, advised), [
    {
      code: 'W_LIBUV_THREADS',
      message: '8 decode threads share 4 libuv threads',
      hint: 'set UV_THREADPOOL_SIZE=8',
    },
    {
      code: 'W_CACHE',
      message: 'there is no room',
      hint: "raise cache.maxBytes, or use cache: 'disk'",
    },
  ]);
});

t.test('people are told once of what stays so, a few times of what happens; the log gets all', async t => {
  const logged: object[] = [];
  const told: RunWarning[] = [];
  const log = {
    info: () => {},
    warn: (record: object) => logged.push(record),
    error: (record: object) => logged.push(record),
  };
  const warn = warningsTo(log, warning => told.push(warning));
  const stall = { code: 'W_STALL', message: 'slow', replica: 1, phase: 'loss' };
  const restart = { code: 'W_RESTARTED', message: 'again', replica: 1 };
  for (const one of [stall, stall, { ...stall, replica: 0 }, restart, restart]) warn(one);
  t.same(told, [stall, { ...stall, replica: 0 }, restart, restart]);
  t.equal(logged.length, 5);
  for (let i = 0; i < 10; i++) warn({ code: 'W_BAD_SAMPLE', message: `left out ${i}.png` });
  t.equal(told.length, 4 + 5, 'of a hundred files five are enough');
  t.equal(logged.length, 15);
  t.match(logged[0], { event: 'warning', ...stall });

  const throwing = warningsTo(log, () => {
    throw new Error('boom');
  });
  t.doesNotThrow(() => throwing(stall), 'nobody could catch it there');
  t.match(logged.at(-1), { event: 'listener', err: { message: 'boom' } });
});
