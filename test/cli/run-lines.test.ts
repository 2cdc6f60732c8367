/** The lines that the command prints of a run. */
import { join } from 'node:path';
import t from 'tap';
import type { TimeShares } from '../../src/callbacks/time-account.js';
import { timeLine, warningLines } from '../../src/cli/run-lines.js';
import { trainCommand } from './command.js';

const alone: TimeShares = {
  data: 0.03,
  compute: 0.71,
  reduce: 0,
  update: 0.04,
  steps: 0,
  validation: 0.1,
  checkpoints: 0.004,
  other: 0.116,
  replicas: [{ device: 'cuda:0', compute: 0.71, reduce: 0, update: 0.04 }],
};

t.test('where the time went: what rounds to nothing is left out', async t => {
  t.equal(timeLine(alone), 'time     data 3 % · compute 71 % · update 4 % · validation 10 % · other 12 %');
  const { data: _, ...untold } = alone;
  t.match(timeLine({ ...untold, compute: 0, update: 0, steps: 0.78 }), /^time {5}steps 78 % · validation/);
});

t.test('the replica that others wait for, if one waits enough to be no chance', async t => {
  const pair = (reduce: number) => ({
    ...alone,
    reduce: 0.12,
    replicas: [
      { device: 'cuda:0', compute: 0.75, reduce, update: 0.04 },
      { device: 'cuda:1', compute: 0.84, reduce: 0.03, update: 0.04 },
    ],
  });
  t.match(
    timeLine(pair(0.12)),
    / {3}slowest: replica 1 \(cuda:1\), compute 84 % \(replica 0 waits 9 % in reduce for it\)$/,
  );
  t.notMatch(timeLine(pair(0.05)), 'slowest');
});

t.test('a warning in two lines, or one', async t => {
  const warning = { code: 'W_STALL', message: 'replica 1 is slow' };
  t.same(warningLines(warning), ['⚠ replica 1 is slow']);
  t.same(warningLines({ ...warning, hint: 'look' }), ['⚠ replica 1 is slow', '  → look']);
});

t.test('the command: warnings for people, for programs, and none for nobody', async t => {
  const folder = t.testdir();
  const run = (log: string) => {
    const args = ['--engine', 'wasm', '--gpus', 'cpu:3', '--model', 'mlp', '--epochs', '1'];
    const bounds = ['--batch-size', '10', '--limit-batches', '2', '--out', join(folder, log)];
    return trainCommand([...args, ...bounds, '--log', log]);
  };
  const [pretty, json, quiet] = [await run('pretty'), await run('json'), await run('quiet')];
  t.match(pretty.stderr, /\n⚠ a batch of 10 gives .*\n {2}→ a batch size of 9 or 12 divides evenly\n/);
  t.match(pretty.stderr, /\ntime {5}.*compute \d+ %.*\ndone after 1 epoch/);
  const events = json.stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
  t.match(events, [
    { event: 'warning', code: 'W_UNEVEN_SHARDS', message: String, hint: String },
    { event: 'epoch', timeShares: { replicas: [{ device: 'wasm:0' }, {}, {}] } },
    { event: 'summary', timeShares: { validation: Number } },
  ]);
  t.same([json.stderr, quiet.stdout, quiet.stderr], ['', '', '']);
});
