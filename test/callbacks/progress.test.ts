import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { LivePlot } from '../../src/callbacks/live-plot.js';
import { MetricsCB } from '../../src/callbacks/metrics.js';
import { ProgressCB } from '../../src/callbacks/progress.js';
import { TrainCB } from '../../src/callbacks/train.js';
import type { Callback } from '../../src/learner/callback.js';
import { Learner } from '../../src/learner/learner.js';
import { Accuracy } from '../../src/learner/metric.js';
import { FakeLoader, FakeRunner } from '../learner/fake-runner.js';
import { recorder } from '../learner/recorder.js';
import { FakeTerminal } from './fake-terminal.js';

/** A fit of `batchMs` a batch, half of it spent waiting for data: 4 train batches and 2 valid ones an epoch. */
function build(stream: { write(text: string): void }, batchMs: number, ...more: Callback[]) {
  let now = 0;
  const train = new FakeLoader(Array.from({ length: 4 }, () => [0, 0, 0, 1]));
  const valid = new FakeLoader([[0], [0, 1]]);
  for (const loader of [train, valid]) {
    loader.waitMs = 0;
    loader.onBatch = index => {
      now += batchMs;
      loader.waitMs = ((index + 1) * batchMs) / 2;
    };
  }
  const runner = new FakeRunner(({ index }) => ({ meanLoss: 1 / (index + 1) }));
  const cbs = [new TrainCB(), new MetricsCB(new Accuracy()), new ProgressCB({ stream }), ...more];
  const learn = new Learner(runner, { train, valid }, { lr: 0.02, cbs, clock: () => now });
  return { learn, runner };
}

const table = [
  'epoch  train loss  valid loss  accuracy       lr    img/s  data %     time',
  '    1      0.5208      0.6667    66.7 %   2.0e-2    4 000      50     0:00',
  '    2      0.5208      0.6667    66.7 %   2.0e-2    4 000      50     0:00',
];

class Pipe {
  text = '';
  write(text: string): void {
    this.text += text;
  }
}

t.test('on a pipe: the header once, a line per epoch, nothing else', async t => {
  const pipe = new Pipe();
  const { learn } = build(pipe, 1);
  await learn.fit(2);
  t.same(pipe.text, `${table.join('\n')}\n`);
  await learn.fit(1);
  t.same(pipe.text, `${[...table, ...table.slice(0, 2)].join('\n')}\n`, 'the next fit: the same again');
});

t.test('on a pipe: one line a minute for long epochs', async t => {
  const pipe = new Pipe();
  await build(pipe, 25_000).learn.fit(1);
  t.same(pipe.text.split('\n'), [
    'epoch 1/1  train 3/4  loss 0.3333       0 img/s  data 50 %  compute  0 %  reduce  0 %  1:15',
    'epoch 1/1  valid 2/2  loss 0.5000       0 img/s  data 50 %  compute  0 %  2:30',
    table[0],
    '    1      0.5208      0.6667    66.7 %   2.0e-2        0      50     2:30',
    '',
  ]);
});

t.test('on a terminal: two bars under the table, gone at the end', async t => {
  const terminal = new FakeTerminal(113);
  const { learn } = build(terminal, 100);
  const screens: string[][] = [];
  await learn.fit(2, {
    cbs: [recorder([], ['cleanupBatch'], { cleanupBatch: () => screens.push(terminal.screen()) })],
  });
  t.same(screens[1], [
    'epoch 0/2 ──────────────────   0 %  0:00<?',
    'train 2/4 ━━━━━━━━━─────────  50 %  0:00<0:00  loss 0.5000      40 img/s  data 50 %  compute  6 %  reduce  2 %',
  ]);
  t.same(screens[9], [
    table[0],
    '    1      0.5208      0.6667    66.7 %   2.0e-2       40      50     0:01',
    'epoch 1/2 ━━━━━━━━━─────────  50 %  0:01<0:01',
    'train 4/4 ━━━━━━━━━━━━━━━━━━ 100 %  0:00<0:00  loss 0.2500      40 img/s  data 50 %  compute  6 %  reduce  2 %',
  ]);
  t.same(terminal.screen(), [
    table[0],
    ...[1, 2].map(
      epoch => `    ${epoch}      0.5208      0.6667    66.7 %   2.0e-2       40      50     0:01`,
    ),
  ]);
  t.equal(terminal.cursorShown, true);
});

t.test('at most ten redraws a second', async t => {
  const terminal = new FakeTerminal(80);
  const { learn } = build(terminal, 9);
  await learn.fit(50);
  const [draws, seconds] = [terminal.writes, 50 * 6 * 0.009];
  t.ok(draws < seconds * 10 + 50 + 10, `${draws} writes in ${seconds} s, one of them for each of 50 rows`);
});

t.test('a terminal made narrower while bars are shown is left clean', async t => {
  const terminal = new FakeTerminal(113);
  const { learn } = build(
    terminal,
    100,
    recorder([], ['beforeBatch'], {
      beforeBatch: ({ iter }) => {
        if (iter === 2) terminal.resize(78);
      },
    }),
  );
  await learn.fit(1, { valid: false });
  t.same(
    terminal.screen().map(line => line.slice(0, 5)),
    ['epoch', '    1'],
    'no piece of a bar is left',
  );
});

t.test('what is printed meanwhile stands above the bars, which stay whole; later it is a line', async t => {
  const terminal = new FakeTerminal(113);
  const { learn } = build(terminal, 100);
  const progress = learn.find(ProgressCB)!;
  const screens: string[][] = [];
  const print = recorder([], ['afterBatch'], {
    afterBatch: ({ training, iter }) => {
      if (!training || iter !== 2) return;
      progress.print('⚠ replica 1 is slow', '  → look at it');
      screens.push(terminal.screen());
    },
  });
  progress.print('before');
  await learn.fit(1, { cbs: [print] });
  progress.print('after');
  t.match(screens[0], ['before', '⚠ replica 1 is slow', '  → look at it', /^epoch 0\/1 /, /^train 2\/4 /]);
  t.equal(screens[0].length, 5);
  t.match(terminal.screen(), [
    'before',
    '⚠ replica 1 is slow',
    '  → look at it',
    table[0],
    /^ {4}1/,
    'after',
  ]);
});

t.test('a terminal that does not know its width gets bars of eighty columns', async t => {
  const terminal = Object.assign(new FakeTerminal(80), { columns: 0 });
  let written = '';
  terminal.write = text => {
    written += text;
  };
  await build(terminal, 100).learn.fit(1);
  t.match(written, /━/);
  t.notMatch(written, 'Infinity');
});

t.test('a train row without a valid row is shown alone', async t => {
  const pipe = new Pipe();
  const { learn } = build(pipe, 1);
  await learn.fit(2, { valid: false });
  t.same(pipe.text.split('\n').slice(0, 2), [
    table[0],
    '    1      0.5208                75.0 %   2.0e-2    4 000      50     0:00',
  ]);
  t.equal(pipe.text.split('\n').length, 4);
});

t.test('after an error the cursor is back, everything unwrapped and nothing heard any more', async t => {
  const terminal = new FakeTerminal(80);
  const failing = recorder([], ['beforeBatch'], {
    beforeBatch: ({ training }) => {
      if (!training) throw new Error('boom');
    },
  });
  const { learn } = build(terminal, 100);
  await t.rejects(learn.fit(1, { cbs: [failing] }), /boom/);
  t.equal(terminal.cursorShown, true);
  t.match(terminal.screen(), [/epoch/, /^ {4}1 {6}0\.5208 {16}75\.0 %/], 'the epoch had its training');
  t.equal(learn.dl, learn.dls.valid);
  t.ok(Array.isArray(learn.epochs));
  const writes = terminal.writes;
  learn.cbs = learn.cbs.filter(callback => !(callback instanceof ProgressCB));
  await learn.fit(1);
  t.equal(terminal.writes, writes);
});

t.test('what it wraps keeps its length and the time waited', async t => {
  const seen: unknown[] = [];
  const looking = recorder([], ['beforeBatch'], {
    beforeBatch: ({ epochs, dl, iter }) => iter === 1 && seen.push([epochs.length, dl.length, dl.waitMs]),
  });
  await build(new Pipe(), 10, looking).learn.fit(1);
  t.same(seen, [
    [1, 4, 10],
    [1, 2, 10],
  ]);
});

t.test('colour: on a terminal, but never with NO_COLOR', async t => {
  const before = process.env.NO_COLOR;
  t.teardown(() => {
    if (before === undefined) delete process.env.NO_COLOR;
    else process.env.NO_COLOR = before;
  });
  const colors = async (noColor: string | undefined) => {
    delete process.env.NO_COLOR;
    if (noColor !== undefined) process.env.NO_COLOR = noColor;
    const terminal = new FakeTerminal(80);
    await build(terminal, 100).learn.fit(1);
    return terminal.colors;
  };
  t.ok((await colors(undefined)) > 0);
  t.ok((await colors('')) > 0, 'set but empty is not set');
  t.equal(await colors('1'), 0);
  delete process.env.NO_COLOR;
  const pipe = new Pipe();
  const { learn } = build(pipe, 100);
  learn.cbs.splice(2, 1, new ProgressCB({ stream: pipe, color: true }));
  await learn.fit(1);
  t.notOk(pipe.text.includes('\x1b'), 'nor on a pipe');
});

t.test('on a narrow terminal the bar gives way last, and nothing wraps', async t => {
  for (const columns of [10, 20, 40, 60, 80]) {
    const terminal = new FakeTerminal(columns);
    const widths: number[] = [];
    const { learn } = build(
      terminal,
      100,
      recorder([], ['cleanupBatch'], {
        cleanupBatch: () => {
          t.equal(terminal.screen().length, 2);
          widths.push(...terminal.screen().map(({ length }) => length));
        },
      }),
    );
    learn.cbs.splice(1, 1);
    await learn.fit(1);
    t.ok(Math.max(...widths) < columns, `${Math.max(...widths)} of ${columns}`);
  }
});

t.test('without MetricsCB there are bars but no table', async t => {
  const terminal = new FakeTerminal(80);
  const { learn } = build(terminal, 100);
  learn.cbs.splice(1, 1);
  await learn.fit(1);
  t.same(terminal.screen(), []);
  t.ok(terminal.writes > 3);
});

/** A fit of 2 epochs with the loss curve on. */
async function plotted(stream: { write(text: string): void }, seen: () => void, plotFile?: string) {
  const { learn } = build({ write: () => {} }, 1000);
  learn.remove(ProgressCB);
  const look = recorder([], ['cleanupBatch'], { cleanupBatch: seen });
  await learn.fit(2, { cbs: [new ProgressCB({ stream, plot: true, plotFile }), look] });
}

t.test('the loss curve under the bars, each validation a dot; it stays at the end', async t => {
  const terminal = new FakeTerminal(80);
  const screens: string[][] = [];
  await plotted(terminal, () => screens.push(terminal.screen()));
  const [first, second] = screens;
  t.equal(first.length, 2, 'a curve needs two losses');
  t.match(second, [/^epoch/, /^train/, /^ {4}1\.00┼/]);
  t.match(second.at(-1), 'training loss, batches 1 … 2');
  const end = terminal.screen();
  t.match(end.slice(0, 3), [/^epoch/, /^ {4}1/, /^ {4}2/], 'the table');
  const curve = end.slice(3);
  t.ok(curve.every(line => line.length < 80));
  t.match(curve.at(-1), /batches 1 … 8 {3}● validation/);
  // Losses 1, 1/2, 1/3, 1/4 twice; validations 2/3, at batches 4 and 8 of 1 … 8: three sevenths across, and at the end.
  const row = curve.find(line => line.includes('●'))!;
  const across = [...row].flatMap((character, i) => (character === '●' ? [(i - 9) / (80 - 9 - 2)] : []));
  t.equal(across.length, 2);
  t.ok(Math.abs(across[0] - 3 / 7) < 0.03 && across[1] > 0.95, `${across}`);
  t.match(curve[0], /^ {4}1\.00┼/);
  t.match(curve.at(-2), /^ {3}0\.250┤/);
});

t.test('the curve is drawn once a second at most, and not where there is no room', async t => {
  const plot = new LivePlot();
  const history = { train: { x: [1, 2], y: [2, 1] }, valid: { x: [], y: [] } };
  const drawn = plot.lines(history, 80, 0);
  t.ok(drawn.length > 3);
  history.train.x.push(3);
  history.train.y.push(5);
  t.equal(plot.lines(history, 80, 999), drawn);
  t.notSame(plot.lines(history, 80, 1000), drawn);
  t.notSame(plot.lines(history, 60, 1001), drawn, 'another width at once');
  t.same(new LivePlot().lines(history, 30, 0), []);
  const low = Object.assign(new FakeTerminal(80), { rows: 10 });
  await plotted(low, () =>
    t.notOk(
      low.screen().some(line => /[┼┤]/.test(line)),
      'too few rows',
    ),
  );
});

t.test('on a pipe no curve, but the picture at the end, validations where their epoch ends', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'progress-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const pipe = new Pipe();
  await plotted(pipe, () => {}, join(folder, 'loss.svg'));
  t.notMatch(pipe.text, '┤');
  t.match(readFileSync(join(folder, 'loss.svg'), 'utf8'), 'training batch');
  const { series } = JSON.parse(readFileSync(join(folder, 'loss.json'), 'utf8'));
  t.same(series[0].x, [1, 2, 3, 4, 5, 6, 7, 8]);
  t.same(series[1].x, [4, 8]);
});
