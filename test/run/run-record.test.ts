/** What a real run leaves to be read: the records of its log, and the folder of one that failed. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import t from 'tap';
import type { RunWarning } from '../../src/protocol/warning.js';
import type { TrainSummary } from '../../src/run/summary.js';
import { train } from '../../src/run/train.js';
import { faultyRecipe } from '../fixtures/coordinators.js';

type LogRecord = Readonly<Record<string, unknown>>;

const runs = mkdtempSync(join(tmpdir(), 'run-record-'));
t.teardown(() => rmSync(runs, { recursive: true }));

const linesOf = (text: string): LogRecord[] =>
  text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
const read = (...path: string[]): string => readFileSync(join(runs, ...path), 'utf8');
const small = { model: 'mlp', engine: 'cpu', batchSize: 200, limitBatches: 3 } as const;

t.test('two runs at once: each log has all of its own run and nothing of the other', async t => {
  let text = '';
  const stream = new Writable({
    write(chunk, _, done) {
      text += chunk;
      done();
    },
  });
  const logger = pino(stream);
  const saved: string[] = [];
  const [first, second] = await Promise.all(
    ['first', 'second'].map((name, i): Promise<TrainSummary> => {
      const context = { logger, onCheckpoint: ({ path }: { path: string }) => saved.push(path) };
      return train({ ...small, gpus: 'cpu:2', epochs: i + 1, out: join(runs, name) }, context);
    }),
  );
  for (const [name, epochs] of [
    ['first', 1],
    ['second', 2],
  ] as const) {
    // On a slow machine there are records of its progress, too.
    const own = linesOf(read(name, 'log.jsonl')).filter(({ event }) => event !== 'progress');
    t.ok(
      own.every(({ run }) => run === name),
      'the run is its folder',
    );
    const epoch = Array.from({ length: epochs }, (_, i) => [
      ['epoch', 3 * (i + 1)],
      ['checkpoint', 3 * (i + 1)],
    ]).flat();
    t.same(
      own.map(({ event, step }) => [event, step]),
      [['start', undefined], ...epoch, ['end', 3 * epochs]],
    );
    const shared = linesOf(text).filter(({ run }) => run === name);
    t.same(
      shared.map(({ event }) => event),
      own.map(({ event }) => event),
      'the logger of both tells them apart',
    );
    t.equal(saved.filter(path => path.includes(name)).length, epochs);
  }
  for (const { timeShares, replicas } of [first, second]) {
    t.same(
      timeShares.replicas.map(({ device }) => device),
      replicas,
    );
    t.ok(timeShares.compute > 0 && timeShares.validation > 0 && timeShares.checkpoints > 0);
  }
  t.match(linesOf(read('second', 'metrics.jsonl'))[1], { epoch: 2, timeShares: { replicas: [{}, {}] } });
});

t.test('a run that fails leaves all that a report of it needs; its id is as given', async t => {
  const { url, options } = faultyRecipe({ fault: 'throw', place: 'loss', replica: 1, call: 2 });
  const settings = { engine: 'cpu', batchSize: 200, recipe: url, options, gpus: 'cpu:2' } as const;
  await t.rejects(train({ ...settings, out: join(runs, 'failed') }, { id: 'job 7' }), { code: 'E_REPLICA' });
  const failed = JSON.parse(read('failed', 'FAILED.json'));
  t.match(failed, {
    name: 'ReplicaError',
    code: 'E_REPLICA',
    message: /boom/,
    replica: 1,
    step: 2,
    phase: 'loss',
    stack: /ReplicaError/,
    causes: [{ name: 'Error', message: 'boom', stack: /faulty-recipe/ }],
  });
  const last = linesOf(read('failed', 'log.jsonl')).at(-1);
  t.match(last, {
    level: 50,
    run: 'job 7',
    event: 'failed',
    replica: 1,
    step: 2,
    phase: 'loss',
    err: { code: 'E_REPLICA', cause: { message: 'boom' } },
  });
  t.match(JSON.parse(read('failed', 'env.json')), { engine: 'cpu', devices: ['cpu:0', 'cpu:1'] });
});

t.test('so does one that fails before its first step', async t => {
  const { url, options } = faultyRecipe({ fault: 'throw', place: 'model', replica: 0, call: 0 });
  await t.rejects(train({ engine: 'cpu', recipe: url, options, out: join(runs, 'early') }), {
    code: 'E_RECIPE',
  });
  t.match(JSON.parse(read('early', 'FAILED.json')), { code: 'E_RECIPE' });
  t.match(JSON.parse(read('early', 'env.json')), { gradring: String, engine: 'cpu', devices: ['cpu:0'] });
  t.match(JSON.parse(read('early', 'config.json')), { recipe: url, seed: 42 });
});

t.test('a replica that is late: the warning comes to the caller once, and to the log', async t => {
  const { url, options } = faultyRecipe({ fault: 'stall', place: 'loss', replica: 1, call: 1 });
  const told: RunWarning[] = [];
  const settings = { engine: 'cpu', batchSize: 200, recipe: url, options, gpus: 'cpu:2' } as const;
  const bounds = { stallWarning: 0.5, stallTimeout: 5, out: join(runs, 'late') };
  await t.rejects(train({ ...settings, ...bounds }, { onWarning: warning => told.push(warning) }), {
    code: 'E_STALL',
  });
  const late = { code: 'W_STALL', replica: 1, phase: 'loss', step: 1 };
  const ofLoss = told.filter(({ phase }) => phase === 'loss');
  t.match(ofLoss, [late]);
  t.equal(ofLoss.length, 1);
  const logged = linesOf(read('late', 'log.jsonl')).filter(({ event }) => event === 'warning');
  t.match(
    logged,
    told.map(({ code }) => ({ level: 40, run: 'late', code })),
  );
  t.match(JSON.parse(read('late', 'FAILED.json')), { code: 'E_STALL', replica: 1, phase: 'loss' });
});
