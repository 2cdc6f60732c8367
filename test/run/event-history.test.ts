/** Events of a run: every reader gets all of them in order, whatever its pace, and memory is bounded. */
import t from 'tap';
import { EventHistory } from '../../src/run/event-history.js';
import type { RunEvent, RunEventBody } from '../../src/run/run-events.js';

const output = (text: string): RunEventBody => ({ type: 'output', replica: 0, text });
const progress = (step: number): RunEventBody => ({
  type: 'progress',
  epoch: 1,
  batch: step,
  batches: 9,
  step,
  loss: 1,
  phase: 'train',
});
const failed: RunEventBody = { type: 'failed', error: { code: 'E_CONFIG', message: 'no' } };

/** What identifies an event here. */
const nameOf = (event: RunEvent): string | number =>
  event.type === 'output'
    ? event.text
    : event.type === 'gap'
      ? `gap of ${event.dropped}`
      : event.type === 'progress'
        ? event.step
        : event.type;

async function all(history: EventHistory): Promise<(string | number)[]> {
  const names: (string | number)[] = [];
  for await (const event of history) names.push(nameOf(event));
  return names;
}

t.test('early and late readers, quick and slow ones, see the same in order', async t => {
  const history = new EventHistory('r');
  const early = all(history);
  history.push(output('a'));
  await Promise.resolve();
  history.push(output('b'));
  const slow = history[Symbol.asyncIterator]();
  t.match((await slow.next()).value, { text: 'a', run: 'r', seq: 1 });
  history.push(output('c'));
  history.push(failed);
  history.push(output('after the end'));
  t.strictSame(await early, ['a', 'b', 'c', 'failed']);
  t.strictSame(await all(history), ['a', 'b', 'c', 'failed']);
  const rest = [await slow.next(), await slow.next(), await slow.next(), await slow.next()];
  t.strictSame(
    rest.map(({ value, done }) => done || value.seq),
    [2, 3, 4, true],
  );
});

t.test('of progress only the newest is kept, at its place', async t => {
  const history = new EventHistory('r');
  for (let step = 1; step <= 1000; step++) history.push(progress(step));
  history.push(output('a'));
  const live = history[Symbol.asyncIterator]();
  t.strictSame([(await live.next()).value, (await live.next()).value].map(nameOf), [1000, 'a']);
  history.push(progress(1001));
  t.equal(nameOf((await live.next()).value), 1001);
  history.push(failed);
  t.strictSame(await all(history), ['a', 1001, 'failed']);
});

t.test('too many are dropped from the oldest on, and whoever has not seen them is told how many', async t => {
  const history = new EventHistory('r', 4);
  const behind = history[Symbol.asyncIterator]();
  history.push(output('0'));
  t.equal(nameOf((await behind.next()).value), '0');
  for (const text of ['1', '2', '3', '4', '5', '6']) history.push(output(text));
  const names = [await behind.next(), await behind.next(), await behind.next()].map(({ value }) =>
    nameOf(value),
  );
  // Of those it was to see next, two are gone; 4 texts and a bit weigh more than 4.
  t.strictSame(names, ['gap of 3', '4', '5']);
  // A long text counts as several.
  const long = 'x'.repeat(1500);
  history.push(output(long));
  history.push(failed);
  t.strictSame(await all(history), ['gap of 7', long, 'failed']);
  const rest = [await behind.next(), await behind.next(), await behind.next()].map(({ value }) =>
    nameOf(value),
  );
  t.strictSame(rest, ['6', long, 'failed'], 'what a reader has at hand it gets');
});

t.test('a reader who leaves while it waits is let go at once', async t => {
  const history = new EventHistory('r');
  const reader = history[Symbol.asyncIterator]();
  const waiting = reader.next();
  t.strictSame(await reader.return?.(), { value: undefined, done: true });
  t.strictSame(await waiting, { value: undefined, done: true });
});
