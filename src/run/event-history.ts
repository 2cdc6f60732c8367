import type { RunEvent, RunEventBody } from './run-events.js';

/** An event as it is kept. */
interface Entry {
  readonly event: RunEvent;
  /** The how many-th of those that may be dropped; undefined for those that never are. */
  readonly ordinal?: number;
  readonly weight: number;
}

interface Reader {
  closed: boolean;
  /** Ends its wait for the next event. */
  wake(): void;
}

/** Worth nothing once there is a newer one. */
const isLive = (type: RunEventBody['type']): boolean => type === 'progress' || type === 'data';

const isLast = (type: RunEventBody['type']): boolean => type === 'end' || type === 'failed';

/** Never dropped: there are few of them. */
const isLasting = (type: RunEventBody['type']): boolean => type === 'start' || isLast(type);

/** An event counts as one, and one more for every thousand characters of text. */
const weightOf = (body: RunEventBody): number => 1 + (body.type === 'output' ? body.text.length / 1000 : 0);

/**
 * The events of one run, for any number of readers, each at its own pace and from the first event on. Adding one waits
 * for nobody. When there are too many the oldest go; a reader who has not seen them gets a `gap` in their place.
 */
export class EventHistory implements AsyncIterable<RunEvent> {
  readonly #run: string;
  readonly #limit: number;
  readonly #readers = new Set<Reader>();
  #entries: Entry[] = [];
  #weight = 0;
  #seq = 0;
  #ordinal = 0;
  /** The newest of those that were dropped. */
  #lost = { seq: 0, ordinal: 0 };
  #ended = false;

  /** @param limit how many are kept, long texts counted as several */
  constructor(run: string, limit = 10_000) {
    this.#run = run;
    this.#limit = limit;
  }

  /** What comes after `end` or `failed` is ignored. */
  push(body: RunEventBody): void {
    if (this.#ended) return;
    const { type } = body;
    const event = this.#stamp(body, ++this.#seq);
    if (isLive(type)) this.#dropFormer(type);
    const ordinal = isLive(type) || isLasting(type) ? undefined : ++this.#ordinal;
    const weight = weightOf(body);
    this.#entries.push({ event, ordinal, weight });
    this.#weight += weight;
    this.#dropOldest();
    this.#ended = isLast(type);
    for (const reader of this.#readers) reader.wake();
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<RunEvent> {
    const reader: Reader = { closed: false, wake() {} };
    const events = this.#read(reader);
    return {
      next: () => events.next(),
      // A generator that waits would only hear of it with the next event.
      return: () => {
        reader.closed = true;
        reader.wake();
        return events.return(undefined);
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  async *#read(reader: Reader): AsyncGenerator<RunEvent, undefined> {
    let seq = 0;
    let ordinal = 0;
    this.#readers.add(reader);
    try {
      while (!reader.closed) {
        const lost = this.#lost;
        for (const entry of this.#after(seq)) {
          if (ordinal < lost.ordinal && lost.seq < entry.event.seq) {
            yield this.#stamp({ type: 'gap', dropped: lost.ordinal - ordinal }, lost.seq);
            ordinal = lost.ordinal;
          }
          yield entry.event;
          seq = entry.event.seq;
          ordinal = entry.ordinal ?? ordinal;
        }
        if (this.#after(seq).length > 0) continue;
        if (this.#ended) return;
        await new Promise<void>(resolve => {
          reader.wake = resolve;
        });
      }
    } finally {
      this.#readers.delete(reader);
    }
  }

  #after(seq: number): readonly Entry[] {
    return this.#entries.slice(this.#entries.findLastIndex(({ event }) => event.seq <= seq) + 1);
  }

  #stamp(body: RunEventBody, seq: number): RunEvent {
    return { ...body, run: this.#run, time: Date.now(), seq };
  }

  #dropFormer(type: RunEventBody['type']): void {
    const index = this.#entries.findLastIndex(({ event }) => event.type === type);
    if (index >= 0) this.#remove(index);
  }

  #dropOldest(): void {
    while (this.#weight > this.#limit) {
      const index = this.#entries.findIndex(({ ordinal }) => ordinal !== undefined);
      // The newest stays, however long it is.
      if (index < 0 || index === this.#entries.length - 1) return;
      const { event, ordinal = 0 } = this.#remove(index);
      this.#lost = { seq: event.seq, ordinal };
    }
  }

  #remove(index: number): Entry {
    const [entry] = this.#entries.splice(index, 1);
    this.#weight -= entry.weight;
    return entry;
  }
}
