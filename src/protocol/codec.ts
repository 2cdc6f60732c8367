/**
 * Control messages on the wire: msgpackr without its record extension, so that a message is plain MessagePack
 * that any other process could read. Typed arrays are its extension 0x74: a byte for the type, then their bytes.
 */
import { Packr } from 'msgpackr';
import { ProtocolError } from '../errors.js';
import type { Command, Greeting, Reply } from './messages.js';

const packr = new Packr({ useRecords: false, encodeUndefinedAsNil: true, moreTypes: true });

const operations: ReadonlySet<string> = new Set<Command['op']>([
  'publish',
  'adopt',
  'optimizer',
  'predict',
  'loss',
  'backward',
  'clip',
  'step',
  'zeroGrad',
  'train',
  'valid',
  'inputs',
  'hooks',
  'describeState',
  'writeState',
  'readState',
  'average',
  'swapAverage',
  'dropAverage',
  'rollback',
  'checksum',
  'model',
  'memory',
  'close',
]);

/** The message in bytes of its own: packr's are a view of its pool, and posting a view would copy all of it. */
export function encode(message: Command | Reply | Greeting): Uint8Array<ArrayBuffer> {
  return new Uint8Array(packr.pack(message));
}

function unpack(bytes: Uint8Array, what: string): Record<string, unknown> {
  let message: unknown;
  try {
    message = packr.unpack(bytes);
  } catch (cause) {
    throw new ProtocolError(`a ${what} of ${bytes.length} bytes cannot be unpacked`, { where: what, cause });
  }
  if (typeof message !== 'object' || message === null)
    throw new ProtocolError(`a ${what} is not an object`, { where: what });
  return message as Record<string, unknown>;
}

/** @throws ProtocolError when the bytes hold no known command */
export function decodeCommand(bytes: Uint8Array): Command {
  const message = unpack(bytes, 'command');
  const { op } = message;
  if (typeof op !== 'string' || !operations.has(op)) {
    const found = typeof op === 'string' ? `the unknown 'op' ${op}` : "no 'op'";
    throw new ProtocolError(`a command has ${found}`, { where: 'command' });
  }
  return message as unknown as Command;
}

/** @throws ProtocolError when the bytes hold no reply */
export function decodeReply<T extends Reply | Greeting>(bytes: Uint8Array): T {
  const message = unpack(bytes, 'reply');
  if (typeof message.ok !== 'boolean') throw new ProtocolError("a reply has no 'ok'", { where: 'reply' });
  if (!message.ok && (typeof message.error !== 'object' || message.error === null))
    throw new ProtocolError('a reply is an error without saying which', { where: 'reply' });
  return message as unknown as T;
}
