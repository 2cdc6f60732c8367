/**
 * Entry of a replica's thread: opens the replica, greets, then answers commands in order
 * until told to close. Whatever is thrown goes back as a reply; the thread itself never dies of it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { errorToWire } from '../errors.js';
import { decodeCommand, encode } from '../protocol/codec.js';
import type { Command, Greeting, ReplicaSettings, Reply, Share } from '../protocol/messages.js';
import { openReplica } from './open-replica.js';
import type { Replica } from './replica.js';

if (!parentPort) throw new Error('replica-thread.js runs only as a worker thread');
const port = parentPort;
const settings = workerData as ReplicaSettings;

function post(message: Greeting | Reply): void {
  const bytes = encode(message);
  port.postMessage(bytes, [bytes.buffer]);
}

async function answer(replica: Replica, bytes: Uint8Array): Promise<void> {
  let command: Command | undefined;
  try {
    command = decodeCommand(bytes);
    post({ ok: true, result: await replica.run(command) });
  } catch (error) {
    post({ ok: false, error: errorToWire(error) });
  }
  if (command?.op === 'close') {
    replica.close();
    port.close();
  }
}

try {
  const { replica, place } = await openReplica(settings);
  let queue = Promise.resolve();
  port.on('message', (message: Uint8Array | Share) => {
    queue = queue.then(() =>
      message instanceof Uint8Array ? answer(replica, message) : replica.accept(message),
    );
  });
  post({ ok: true, ready: replica.ready() });
  place.enter('idle');
} catch (error) {
  post({ ok: false, error: errorToWire(error) });
  port.close();
}
