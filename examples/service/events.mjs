/** Server-sent events: a run's events as they come, to one reader. */
import { once } from 'node:events';

const heartbeatMs = 15_000;
/** How long a reader may leave what it was sent in our buffers. */
const slowMs = 30_000;

/**
 * Sends events until they end or the reader goes. Each waits until the one before it is out of our buffers: a slow
 * reader misses news of how far the run is, and one that reads nothing for half a minute is dropped.
 *
 * @param {import('node:http').ServerResponse} response
 * @param {AsyncIterable<SequencedEvent> | Iterable<SequencedEvent>} events
 * @param {SendOptions} options
 * @typedef {{ type: string, seq: number }} SequencedEvent
 * @typedef {object} SendOptions
 * @property {string} life which life of the run they are of
 * @property {number} after those up to this one are left out
 * @property {Promise<void>} [settled] the end is told after this
 * @property {number} [heartbeat] @property {number} [slow] in ms
 */
export async function sendEvents(response, events, options) {
  const { life, after, settled, heartbeat = heartbeatMs, slow = slowMs } = options;
  const reading = iteratorOf(events);
  const leave = () => void reading.return?.();
  response.on('close', leave);
  // A proxy in between closes what is silent for long.
  const beat = setInterval(() => response.writableNeedDrain || response.write(':\n\n'), heartbeat);
  try {
    await send(response, 'retry: 2000\n\n', slow);
    for (let next = await reading.next(); !next.done; next = await reading.next()) {
      const { type, seq } = next.value;
      if (seq <= after) continue;
      // Whoever hears of the end may resume or delete the run at once.
      if (type === 'end' || type === 'failed') await settled;
      const text = `id: ${life}.${seq}\nevent: ${type}\ndata: ${JSON.stringify(next.value)}\n\n`;
      await send(response, text, slow);
    }
    response.end();
  } catch {
    response.destroy();
  } finally {
    clearInterval(beat);
    response.off('close', leave);
    await reading.return?.();
  }
}

const iteratorOf = events => events[Symbol.asyncIterator]?.() ?? events[Symbol.iterator]();

/** Writes, and waits until there is room for more, or the reader is gone. */
async function send(response, text, slow) {
  if (response.destroyed || response.write(text)) return;
  const waiting = new AbortController();
  const timer = setTimeout(() => response.destroy(), slow);
  try {
    await Promise.race(['drain', 'close'].map(name => once(response, name, { signal: waiting.signal })));
  } finally {
    clearTimeout(timer);
    waiting.abort();
  }
}

/**
 * Where a reader that comes again was.
 *
 * @param {string | undefined} lastEventId its `Last-Event-ID`
 * @param {string} life what it would read now
 * @returns {number} 0: from the beginning
 */
export function positionOf(lastEventId = '', life) {
  const [, of, seq] = /^(\w+)\.(\d{1,15})$/.exec(lastEventId) ?? [];
  return of === life ? Number(seq) : 0;
}
