/** Server-sent events: complete, resumable, and no memory for readers who do not read. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { EventHistory } from '../../src/run/event-history.js';
import { type Answer, ask, failure, fakes, listen, load, open } from './service.js';

interface Sent {
  readonly id: string;
  readonly event: string;
  readonly data: { type: string; seq: number; step?: number };
}

function parse(stream: string): Sent[] {
  const blocks = stream.split('\n\n').filter(block => block.startsWith('id: '));
  return blocks.map(block => {
    const fields = Object.fromEntries(
      block.split('\n').map(line => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
    );
    return { id: fields.id, event: fields.event, data: JSON.parse(fields.data) };
  });
}

/** Reads until the text is there. */
async function readUntil(response: IncomingMessage, wanted: string): Promise<string> {
  let read = '';
  for await (const chunk of response) {
    read += chunk;
    if (read.includes(wanted)) break;
  }
  return read;
}

t.test('each event once, in order, also for who was cut off; and then no more', async t => {
  const { started, startRun } = fakes();
  const { port } = await listen(t, { root: t.testdir(), startRun });
  await ask({ port, method: 'POST', path: '/runs', body: {} });
  const [run] = started;
  const path = '/runs/1/events';
  const watch = (last?: string): Promise<Answer> =>
    ask({ port, path, headers: last === undefined ? {} : { 'last-event-id': last } });

  run.output('one');
  const early = await open({ port, path });
  t.match(early.headers, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const [seen] = parse(await readUntil(early, 'one'));
  t.equal(seen.event, 'output');
  early.destroy();

  run.output('two\nlines');
  const others = [
    watch(),
    watch(seen.id),
    watch('of-another-life.1'),
    watch('nonsense'),
    watch(`${seen.id}0`),
  ];
  run.output('three');
  run.fail(failure('E_STALL', 'it hangs'));
  const [all, rest, otherLife, nonsense, beyond] = (await Promise.all(others)).map(({ text }) => parse(text));
  t.same(
    all.map(({ data }) => data.seq),
    [1, 2, 3, 4],
  );
  t.same(
    all.map(({ event }) => event),
    ['output', 'output', 'output', 'failed'],
  );
  t.same(rest, all.slice(1), 'from where it was');
  t.same([otherLife, nonsense], [all, all], 'from the beginning');
  t.same(beyond, [], 'what has been seen is not sent again');

  const after = await watch(all.at(-1)?.id);
  const [last] = parse(after.text).slice(-1);
  t.match(last, { event: 'failed', data: { error: { code: 'E_STALL' } } }, 'a browser that comes again');
  const gone = await watch(last.id);
  t.equal(gone.status, 204, 'is told to stay away');
});

type SendEvents = (
  response: ServerResponse,
  events: AsyncIterable<unknown>,
  options: { life: string; after: number; heartbeat: number; slow: number },
) => Promise<void>;

/** A server that sends `history` to whoever comes, and what became of that. */
async function sender(
  t: { teardown(close: () => unknown): void },
  history: EventHistory,
  times: { heartbeat: number; slow: number },
) {
  const { sendEvents } = await load<{ sendEvents: SendEvents }>('events.mjs');
  const sent: Promise<void>[] = [];
  const server = createServer((_, response) => {
    sent.push(sendEvents(response, history, { life: 'a', after: 0, ...times }));
  });
  t.teardown(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { port: (server.address() as AddressInfo).port, sent };
}

t.test('silence is filled with heartbeats, until the reader goes', async t => {
  const { port, sent } = await sender(t, new EventHistory('1'), { heartbeat: 5, slow: 1000 });
  const response = await open({ port, path: '/' });
  t.match(await readUntil(response, ':\n\n:\n\n'), /^retry: \d+\n\n(:\n\n)+$/);
  response.destroy();
  await sent[0];
  t.pass('and then nothing waits for events any more');
});

t.test('who does not read is dropped, and others do not notice', async t => {
  const history = new EventHistory('1');
  const impatient = await sender(t, history, { heartbeat: 1000, slow: 50 });
  const idle = await open({ port: impatient.port, path: '/' });
  idle.on('error', () => {});
  const patient = await sender(t, history, { heartbeat: 1000, slow: 60_000 });
  const read = text(await open({ port: patient.port, path: '/' }));
  // More than all buffers of two sockets hold.
  for (let n = 0; n < 200; n++) history.push({ type: 'output', replica: 0, text: 'x'.repeat(49_000) });
  await impatient.sent[0];
  t.pass('its sending has ended');
  history.push({ type: 'failed', error: { code: 'E_STALL', message: 'over' } });
  t.equal(parse(await read).at(-1)?.event, 'failed');
  await patient.sent[0];
  idle.destroy();
});
