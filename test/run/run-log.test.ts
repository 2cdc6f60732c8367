import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { TrainCB } from '../../src/callbacks/train.js';
import { Learner } from '../../src/learner/learner.js';
import { RunFolder } from '../../src/run/run-folder.js';
import { type Logger, runLog } from '../../src/run/run-log.js';
import { StepLogCB } from '../../src/run/step-log.js';
import { FakeLoader, FakeRunner } from '../learner/fake-runner.js';

const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line));

function folderOf(t: Test): RunFolder {
  const parent = mkdtempSync(join(tmpdir(), 'run-log-'));
  t.teardown(() => rmSync(parent, { recursive: true }));
  return RunFolder.create(join(parent, '7'));
}

t.test('run and step in every record; what a record says itself stands', async t => {
  const folder = folderOf(t);
  let step: number | undefined;
  const log = runLog({ folder, run: '7', step: () => step });
  log.info({ event: 'start' }, 'before the fit');
  step = 12;
  log.debug({ event: 'progress' }, 'in it');
  log.warn({ event: 'warning', replica: 1, step: 11 }, 'of an earlier step');
  log.close();
  const records = linesOf(readFileSync(join(folder.path, 'log.jsonl'), 'utf8'));
  t.same(
    records.map(({ level, run, event, replica, step, msg }) => [level, run, event, replica, step, msg]),
    [
      [30, '7', 'start', undefined, undefined, 'before the fit'],
      [20, '7', 'progress', undefined, 12, 'in it'],
      [40, '7', 'warning', 1, 11, 'of an earlier step'],
    ],
  );
  t.ok(records.every(({ time }) => Math.abs(Number(time) - Date.now()) < 60_000));
});

t.test('a pino logger is asked for a child, any other gets the run in the record', async t => {
  let text = '';
  const stream = new Writable({
    write(chunk, _, done) {
      text += chunk;
      done();
    },
  });
  const log = runLog({ logger: pino({ base: null, level: 'warn' }, stream), run: 'a' });
  log.info({ event: 'start' }, 'its level decides');
  log.error({ event: 'failed' }, 'no');
  t.match(linesOf(text), [{ level: 50, run: 'a', event: 'failed', msg: 'no' }]);

  const seen: unknown[] = [];
  const plain: Logger = {
    info: (record, message) => seen.push(['info', record, message]),
    warn: () => {},
    error: () => {},
  };
  const other = runLog({ logger: plain, run: 'b', step: () => 3 });
  other.debug({ event: 'progress' }, 'it has no debug');
  other.info({ event: 'epoch' }, 'one');
  t.same(seen, [['info', { run: 'b', event: 'epoch', step: 3 }, 'one']]);
});

const noFullDisk = existsSync('/dev/full') ? false : 'there is no /dev/full here';

t.test(
  'neither a logger that throws nor a full disk ends a run; it is told once',
  {
    skip: noFullDisk,
  },
  async t => {
    const failures: unknown[] = [];
    const broken = (): never => {
      throw new Error('the transport is gone');
    };
    const folder = folderOf(t);
    symlinkSync('/dev/full', join(folder.path, 'log.jsonl'));
    const log = runLog({
      folder,
      logger: { info: broken, warn: broken, error: broken },
      run: '7',
      onFailure: error => {
        failures.push(error);
        log.warn({ event: 'warning' }, 'a record about it');
      },
    });
    log.info({}, 'first');
    log.error({}, 'second');
    log.close();
    t.match(failures, [{ code: 'ENOSPC' }]);

    const gone = folderOf(t);
    rmSync(gone.path, { recursive: true });
    const unopened: unknown[] = [];
    const never = runLog({ folder: gone, run: '8', onFailure: error => unopened.push(error) });
    never.info({}, 'nowhere');
    never.close();
    t.match(unopened, [{ code: 'ENOENT' }]);
  },
);

t.test('how far a fit is, every ten seconds; and the step for all other records', async t => {
  let now = 0;
  const noted: [number, object][] = [];
  const steps = new StepLogCB({ debug: record => noted.push([now, record]) });
  const train = new FakeLoader(Array.from({ length: 8 }, () => [0, 1]));
  train.onBatch = () => {
    now += 4000;
  };
  const dls = { train, valid: new FakeLoader([[0]]) };
  const learn = new Learner(new FakeRunner(), dls, { cbs: [new TrainCB(), steps], clock: () => now });
  t.equal(steps.stepsDone, undefined);
  await learn.fit(1);
  t.equal(steps.stepsDone, 8);
  t.match(noted, [
    [12_000, { event: 'progress', epoch: 1, phase: 'train', batch: 3, batches: 8, loss: 1 }],
    [24_000, { batch: 6 }],
  ]);
});
