/** Entry of a decode thread: piscina calls the default export once a thread and epoch. */
import type { MessagePort } from 'node:worker_threads';
import { errorToWire, type WireError } from '../../errors.js';
import { loadSharp } from '../decode/sharp-decoder.js';
import { openReader, type SampleReader } from '../samples/sample-reader.js';
import { needsDecoder, type SampleSource } from '../samples/sample-source.js';
import { type FillJob, fillSlots } from './fill-slots.js';

/** What a decode thread and the pool send each other: only that the other should look at the control words. */
export type LinkMessage = 'look';

export interface DecodeTask {
  readonly job: FillJob;
  readonly source: SampleSource;
  readonly port: MessagePort;
}

/** @returns the error that ended it: a rejection would lose its class and code on the way through piscina */
export default async function decode({ job, source, port }: DecodeTask): Promise<WireError | undefined> {
  let wake: (() => void) | undefined;
  port.on('message', (_: LinkMessage) => wake?.());
  const link = {
    published: () => port.postMessage('look' satisfies LinkMessage),
    released: () =>
      new Promise<void>(resolve => {
        wake = resolve;
      }),
  };
  let reader: SampleReader | undefined;
  try {
    if (needsDecoder(source)) await limitSharp();
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

/** Many images at once, each by one thread and none twice: these settings hold for the whole process. */
async function limitSharp(): Promise<void> {
  const sharp = await loadSharp();
  sharp.concurrency(1);
  sharp.cache(false);
}
