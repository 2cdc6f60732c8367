import t from 'tap';
import {
  CancelBatchException,
  CancelEpochException,
  type CancelException,
  CancelFitException,
} from '../../src/learner/cancel.js';
import type { EventName } from '../../src/learner/events.js';
import { Learner } from '../../src/learner/learner.js';
import { FakeRunner, fakeLoaders } from './fake-runner.js';
import { heardEvents, RecordingTrainCB, recorder } from './recorder.js';

/** Runs a fit of 2 epochs in which `event` raises `what` the first time it happens. */
async function run(event: EventName, what: () => Error) {
  const log: string[] = [];
  const dls = fakeLoaders();
  const runner = new FakeRunner();
  let raised = false;
  const raise = () => {
    if (raised) return;
    raised = true;
    throw what();
  };
  // The second recorder tells which callbacks of the same event were skipped.
  const later: string[] = [];
  const fitTime = recorder([], []);
  const learn = new Learner(runner, dls, {
    cbs: [new RecordingTrainCB(log), recorder(log, heardEvents, { [event]: raise }), recorder(later)],
  });
  const error = await learn.fit(2, { cbs: [fitTime] }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { log, later, error, dls, cbs: learn.cbs, fitTime };
}

const count = (log: readonly string[], event: string): number => log.filter(one => one === event).length;
const open = (dls: ReturnType<typeof fakeLoaders>): number =>
  dls.train.opened + dls.valid.opened - dls.train.closed - dls.valid.closed;

const inBatch = [
  ...['beforeBatch', 'afterPredict', 'afterLoss', 'afterBackward', 'afterStep', 'afterBatch'],
] as EventName[];
const inEpoch = ['beforeEpoch', ...inBatch, 'afterEpoch'] as EventName[];
const inFit = ['beforeFit', ...inEpoch, 'afterFit'] as EventName[];

t.test('CancelBatch skips the rest of that batch only', async t => {
  for (const event of inBatch) {
    const { log, later, error, dls } = await run(event, () => new CancelBatchException());
    t.equal(error, undefined, event);
    const rest = log.slice(log.indexOf(event) + 1);
    t.same(rest.slice(0, 2), ['cleanupBatch', 'beforeBatch'], 'cleanup, then the next batch');
    t.equal(count(later, event), count(log, event) - 1, 'later callbacks of the event are skipped');
    t.equal(count(later, 'afterBatch'), 5, 'one of six batches has no afterBatch');
    t.equal(count(log, 'cleanupBatch'), 6);
    t.equal(count(log, 'afterEpoch'), 4);
    t.equal(open(dls), 0);
  }
});

t.test('CancelEpoch skips the rest of the phase; raised in train, valid still runs', async t => {
  for (const event of inEpoch) {
    const { log, later, error, dls } = await run(event, () => new CancelEpochException());
    t.equal(error, undefined, event);
    const rest = log.slice(log.indexOf(event) + 1);
    const cleanups = inBatch.includes(event) ? ['cleanupBatch', 'cleanupEpoch'] : ['cleanupEpoch'];
    t.same(rest.slice(0, cleanups.length + 2), [...cleanups, 'beforeEpoch', 'beforeBatch']);
    t.equal(count(later, 'afterEpoch'), 3, 'the cancelled phase has none');
    t.equal(count(log, 'cleanupEpoch'), 4);
    t.equal(dls.valid.opened, 2);
    t.equal(open(dls), 0, 'its loader was closed');
    t.equal(log.at(-2), 'afterFit');
  }
});

t.test('CancelFit runs the cleanups inner to outer and nothing else', async t => {
  for (const event of inFit) {
    const { log, error, dls } = await run(event, () => new CancelFitException());
    t.equal(error, undefined, event);
    const cleanups = ['cleanupFit'];
    if (inEpoch.includes(event)) cleanups.unshift('cleanupEpoch');
    if (inBatch.includes(event)) cleanups.unshift('cleanupBatch');
    t.same(log.slice(log.indexOf(event) + 1), cleanups);
    t.equal(open(dls), 0);
  }
});

t.test('any other error propagates after all cleanups, and fit-time callbacks are gone', async t => {
  for (const event of inFit) {
    const boom = new Error('boom');
    const { log, error, dls, cbs, fitTime } = await run(event, () => boom);
    t.equal(error, boom, event);
    const cleanups = ['cleanupFit'];
    if (inEpoch.includes(event)) cleanups.unshift('cleanupEpoch');
    if (inBatch.includes(event)) cleanups.unshift('cleanupBatch');
    t.same(log.slice(log.indexOf(event) + 1), cleanups);
    t.equal(open(dls), 0);
    t.equal(cbs.length, 3);
    t.notOk(cbs.includes(fitTime));
  }
});

t.test('a cancel raised outside its scope escapes fit as a plain error', async t => {
  const cases: [EventName, new () => CancelException][] = [
    ['beforeFit', CancelEpochException],
    ['beforeEpoch', CancelBatchException],
    ['cleanupBatch', CancelBatchException],
    ['cleanupEpoch', CancelEpochException],
    ['cleanupFit', CancelFitException],
    ['afterFit', CancelBatchException],
  ];
  for (const [event, Cancel] of cases) {
    const { error, log } = await run(event, () => new Cancel());
    t.type(error, Cancel, `${Cancel.name} in ${event}`);
    t.equal((error as Error).name, Cancel.name);
    t.equal(log.at(-1), 'cleanupFit');
  }
});

t.test('a wider cancel raised in a cleanup is caught by its own scope', async t => {
  const { error, log } = await run('cleanupBatch', () => new CancelFitException());
  t.equal(error, undefined);
  t.same(log.slice(-3), ['cleanupBatch', 'cleanupEpoch', 'cleanupFit']);
});

t.test('every callback cleans up, even after another failed to; the first true error is thrown', async t => {
  const log: string[] = [];
  const [boom, first, second] = [new Error('boom'), new Error('first'), new Error('second')];
  const fails = (event: EventName, error: Error) =>
    recorder([], [event], {
      [event]: () => {
        throw error;
      },
    });
  const cbs = [
    new RecordingTrainCB([]),
    fails('cleanupFit', first),
    fails('cleanupFit', second),
    recorder(log, ['cleanupFit']),
  ];
  const learn = new Learner(new FakeRunner(), fakeLoaders(), { cbs });
  await t.rejects(learn.fit(1), first);
  t.same(log, ['cleanupFit']);
  t.same((first as Error & { suppressed?: unknown }).suppressed, [second]);
  await t.rejects(learn.fit(1, { cbs: [fails('afterLoss', boom)] }), boom);
  const inner = [fails('afterLoss', new CancelFitException()), fails('cleanupBatch', boom)];
  await t.rejects(learn.fit(1, { cbs: inner }), boom, 'a cancel does not hide a true error');
});
