/** Trackers: the files they leave, and what TrackerCB logs to them. */
import { appendFileSync, readdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { MetricsCB } from '../../src/callbacks/metrics.js';
import { TrackerCB } from '../../src/callbacks/tracker.js';
import { CsvTracker } from '../../src/callbacks/trackers/csv.js';
import { crc32c } from '../../src/callbacks/trackers/event-file.js';
import { JsonLinesTracker } from '../../src/callbacks/trackers/json-lines.js';
import { TensorBoardTracker } from '../../src/callbacks/trackers/tensorboard.js';
import { TrainCB } from '../../src/callbacks/train.js';
import { CancelFitException } from '../../src/learner/cancel.js';
import { Learner } from '../../src/learner/learner.js';
import { sgd } from '../../src/learner/optimizer.js';
import type { Outcome, RunInfo, TrackedValues, Tracker } from '../../src/learner/tracker.js';
import { packageRoot } from '../../src/package-root.js';
import { FakeRunner, fakeLoaders } from '../learner/fake-runner.js';
import { recorder } from '../learner/recorder.js';

const time = '2026-01-02T03:04:05.678Z';
const now = () => new Date(time);

/** Payloads of the whole records in an event file; a torn one at the end is left out, a damaged one throws. */
function payloads(path: string): Uint8Array[] {
  const bytes = readFileSync(path);
  const unmask = (masked: number): number => {
    const rotated = (masked - 0xa282ead8) >>> 0;
    return ((rotated >>> 17) | (rotated << 15)) >>> 0;
  };
  const found: Uint8Array[] = [];
  for (let at = 0; at + 12 <= bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    if (unmask(bytes.readUInt32LE(at + 8)) !== crc32c(bytes.subarray(at, at + 8))) throw new Error('length');
    const end = at + 12 + length;
    if (end + 4 > bytes.length) break;
    const payload = bytes.subarray(at + 12, end);
    if (unmask(bytes.readUInt32LE(end)) !== crc32c(payload)) throw new Error('payload');
    found.push(payload);
    at = end + 4;
  }
  return found;
}

t.test('an event file is, byte for byte, what TensorBoard itself writes', async t => {
  t.equal(crc32c(Buffer.from('123456789')), 0xe3069283, "Castagnoli's check value");
  let seconds = 1_699_999_999.5;
  const folder = t.testdir();
  const tracker = new TensorBoardTracker(folder, {
    // A second passes between two looks at it.
    now: () => {
      seconds += 1;
      return seconds;
    },
  });
  tracker.start({ name: 'a run', config: { lr: 0.06 } });
  tracker.log({ 'loss/batch': 2.3, lr: 0 }, 1);
  tracker.log({ 'größe/batch': Number.NaN }, 300);
  tracker.histogram('weights', [-1, 0, 1, 2, 3, Number.NaN], 70_000_000_000, 2);
  tracker.image(
    'input',
    Uint8Array.from({ length: 150 }, (_, i) => i),
    { width: 200, height: 2 },
    4,
  );
  tracker.finish('completed');
  const expected = readFileSync(join(packageRoot(), 'test/callbacks/reference/event-file.tfevents'));
  t.ok(readFileSync(tracker.path!).equals(expected));
  t.match(tracker.path, /events\.out\.tfevents\.1700000000\./);
  t.throws(() => tracker.histogram('weights', [1], 1, 0), { code: 'E_CONFIG' });

  const whole = payloads(tracker.path!);
  t.equal(whole.length, 7);
  truncateSync(tracker.path!, expected.length - 3);
  t.equal(payloads(tracker.path!).length, 6, 'a torn record hides none before it');
  tracker.start({ name: 'another', config: {} });
  t.equal(readdirSync(folder).length, 2, 'a second fit has a file of its own');
});

t.test('JSON lines are appended, numbers as they are', async t => {
  const path = join(t.testdir(), 'deep', 'values.jsonl');
  const tracker = new JsonLinesTracker(path, { now });
  tracker.start({ name: 'a', config: { lr: 0.1 } });
  tracker.log({ 'loss/batch': 1 / 3, lr: Number.NaN }, 7);
  t.equal(readFileSync(path, 'utf8').trim().split('\n').length, 1, 'values wait for the flush');
  tracker.finish('failed');
  t.same(
    readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line)),
    [
      { event: 'start', time, name: 'a', config: { lr: 0.1 } },
      { event: 'values', time, step: 7, 'loss/batch': 1 / 3, lr: null },
      { event: 'finish', time, outcome: 'failed' },
    ],
  );
});

t.test('a table whose columns turn up later, and which is continued after a crash', async t => {
  const path = join(t.testdir(), 'values.csv');
  const tracker = new CsvTracker(path, { now });
  const run: RunInfo = { name: 'a', config: {} };
  tracker.start(run);
  tracker.log({ a: 1 }, 1);
  tracker.flush();
  tracker.log({ a: 2 }, 2);
  tracker.log({ 'b, "c"\nd': 0.5 }, 3);
  tracker.log({ a: Number.NaN, e: 4 }, 4);
  tracker.flush();
  const lines = [
    'step,time,a,"b, ""c"" d",e',
    `1,${time},1,,`,
    `2,${time},2,,`,
    `3,${time},,0.5,`,
    `4,${time},NaN,,4`,
    '',
  ];
  t.equal(readFileSync(path, 'utf8'), lines.join('\n'));
  appendFileSync(path, `5,${time},1`);
  const next = new CsvTracker(path, { now });
  next.start(run);
  next.log({ e: 6, 'b, "c"\nd': 1 }, 6);
  next.finish();
  t.equal(readFileSync(path, 'utf8'), [...lines.slice(0, 5), `6,${time},,1,6`, ''].join('\n'));
  t.same(readdirSync(join(path, '..')), ['values.csv'], 'no temporary file stays');
});

t.test('a tracker that cannot write says so', async t => {
  const folder = t.testdir({ file: '' });
  for (const tracker of [
    new JsonLinesTracker(join(folder, 'file', 'x.jsonl')),
    new CsvTracker(join(folder, 'file', 'x.csv')),
    new TensorBoardTracker(join(folder, 'file')),
  ])
    t.throws(() => tracker.start({ name: 'a', config: {} }), { code: 'E_RUN_FOLDER' });
});

/** Keeps what it is told. */
class MemoryTracker implements Tracker {
  readonly calls: string[] = [];
  readonly logged: (TrackedValues & { step: number })[] = [];
  start({ name, config }: RunInfo): void {
    this.calls.push(`start ${name} ${JSON.stringify(config)}`);
  }
  async log(values: TrackedValues, step: number): Promise<void> {
    await null;
    this.logged.push({ ...values, step });
  }
  flush(): void {
    this.calls.push(`flush ${this.logged.length}`);
  }
  finish(outcome: Outcome): void {
    this.calls.push(`finish ${outcome}`);
  }
}

t.test('TrackerCB: batches with the rate they were trained with, rows by phase', async t => {
  const tracker = new MemoryTracker();
  const halving = recorder([], ['afterBatch'], {
    afterBatch: learn => {
      if (learn.training) for (const group of learn.opt.paramGroups) group.lr /= 2;
    },
  });
  const measuring = Object.assign(recorder([], []), { trackedValues: () => ({ 'time/step': 5 }) });
  let ms = 0;
  const learn = new Learner(new FakeRunner(({ index }) => ({ meanLoss: index + 1 })), fakeLoaders(), {
    lr: 1,
    optFunc: sgd({ groups: [{ match: /kernel/ }] }),
    clock: () => {
      ms += 100;
      return ms;
    },
    cbs: [
      new TrackerCB(tracker, { name: 'a run', config: { seed: 1 } }),
      new TrainCB(),
      halving,
      new MetricsCB(),
      measuring,
    ],
  });
  await learn.fit(1);
  t.equal(tracker.calls[0], 'start a run {"seed":1}');
  t.equal(tracker.calls.at(-1), 'finish completed');
  const [first, second, train, valid] = tracker.logged;
  t.same(first, { 'loss/batch': 1, 'lr/0': 1, 'lr/1': 1, 'time/step': 5, step: 1 });
  t.same(second, { 'loss/batch': 2, 'lr/0': 0.5, 'lr/1': 0.5, 'time/step': 5, step: 2 });
  t.match(train, { epoch: 1, 'loss/train': 1.5, 'samples/train': 4, step: 2 });
  t.match(valid, { epoch: 1, 'loss/valid': 1, 'samples/valid': 3, step: 2 });
  t.notOk('lr/train' in train);
  t.equal(tracker.logged.length, 4, 'batches of validation have no step of their own');
  await learn.validate?.();
  t.equal(tracker.logged.length, 4, 'a validation by itself is no part of the run');
});

t.test('TrackerCB: every so many steps, and how the fit ended', async t => {
  const run = async (act: () => void, stop = false) => {
    const tracker = new MemoryTracker();
    const acting = recorder([], ['afterBatch'], {
      afterBatch: learn => {
        if (learn.globalStep === 3) stop ? learn.stop('enough') : act();
      },
    });
    const cbs = [new TrainCB(), new TrackerCB([tracker, tracker], { every: 2 }), acting];
    const learn = new Learner(new FakeRunner(), fakeLoaders(), { cbs });
    await learn.fit(2).catch(() => {});
    return [tracker.logged.filter(values => 'lr' in values).map(({ step }) => step), tracker.calls.at(-1)];
  };
  t.same(await run(() => {}), [[2, 2, 4, 4], 'finish completed']);
  t.same(await run(() => {}, true), [[2, 2], 'finish stopped']);
  const cancel = () => {
    throw new CancelFitException();
  };
  t.same((await run(cancel))[1], 'finish stopped');
  const fail = () => {
    throw new Error('broken');
  };
  t.same((await run(fail))[1], 'finish failed');
  t.throws(() => new TrackerCB([], { every: 0 }), { code: 'E_CONFIG' });
});
