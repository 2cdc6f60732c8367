/** Entry of a decode thread: piscina calls the default export once a thread and epoch. */
import { type MessagePort, threadId } from 'node:worker_threads';
import { errorToWire, type WireError } from '../../errors.js';
import type { BadSample } from '../bad-samples.js';
import { limitSharp, usesSharp } from '../decode/sharp-decoder.js';
import { openReader, type SampleReader } from '../samples/sample-reader.js';
import type { SampleSource } from '../samples/sample-source.js';
import { type FillJob, fillSlots } from './fill-slots.js';
import { Wakeup } from './wakeup.js';

/** What the pool sends a decode thread: that it should look at the control words. */
export type PoolMessage = 'look';

/**
 * What a decode thread sends: which one it is, and from then on that a batch waited for is there, and which samples
 * cannot be used.
 */
export type ThreadMessage = { readonly threadId: number } | 'look' | { readonly skipped: BadSample };

export interface DecodeResult {
  /** What ended the epoch: a rejection would lose its class and code on the way through piscina. */
  readonly error?: WireError;
  /** Whether this thread has decoded on libuv's threads. */
  readonly usesSharp: boolean;
}

export interface DecodeTask {
  readonly job: FillJob;
  readonly source: SampleSource;
  readonly port: MessagePort;
}

export default async function decode({ job, source, port }: DecodeTask): Promise<DecodeResult> {
  const changed = new Wakeup();
  port.on('message', () => changed.wake());
  const send = (message: ThreadMessage): void => port.postMessage(message);
  // First of all: should it hang, the pool has to know which thread to end.
  send({ threadId });
  const skipped = (sample: BadSample): void => send({ skipped: sample });
  const link = { published: () => send('look'), skipped, changed };
  let reader: SampleReader | undefined;
  try {
    limitSharp();
    reader = openReader(source);
    await fillSlots(job, reader, link);
    return { usesSharp: usesSharp() };
  } catch (error) {
    return { error: errorToWire(error), usesSharp: usesSharp() };
  } finally {
    // The port is the pool's to close: closed from here, it could drop what was just posted.
    reader?.close();
  }
}
