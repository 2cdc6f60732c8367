/** Entry of a decode thread: piscina calls the default export once a thread and epoch. */
import { type MessagePort, threadId } from 'node:worker_threads';
import { errorToWire, type WireError } from '../../errors.js';
import { limitSharp } from '../decode/sharp-decoder.js';
import { openReader, type SampleReader } from '../samples/sample-reader.js';
import type { SampleSource } from '../samples/sample-source.js';
import { type FillJob, fillSlots } from './fill-slots.js';
import { Wakeup } from './wakeup.js';

/** What the pool sends a decode thread: that it should look at the control words. */
export type PoolMessage = 'look';

/** What a decode thread sends: which one it is, and from then on that a batch waited for is there. */
export type ThreadMessage = { readonly threadId: number } | 'look';

export interface DecodeTask {
  readonly job: FillJob;
  readonly source: SampleSource;
  readonly port: MessagePort;
}

/** @returns the error that ended it: a rejection would lose its class and code on the way through piscina */
export default async function decode({ job, source, port }: DecodeTask): Promise<WireError | undefined> {
  const changed = new Wakeup();
  port.on('message', () => changed.wake());
  const send = (message: ThreadMessage): void => port.postMessage(message);
  // First of all: should it hang, the pool has to know which thread to end.
  send({ threadId });
  const link = { published: () => send('look'), changed };
  let reader: SampleReader | undefined;
  try {
    limitSharp();
    reader = openReader(source);
    await fillSlots(job, reader, link);
    return undefined;
  } catch (error) {
    return errorToWire(error);
  } finally {
    // The port is the pool's to close: closed from here, it could drop what was just posted.
    reader?.close();
  }
}
