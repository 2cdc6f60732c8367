/** Control messages between threads: commands, replies, greetings, and errors on their way. */
import { strict as assert } from 'node:assert';
import { errorFromWire, errorToWire, SampleError } from '../../../src/errors.js';
import { decodeCommand, decodeReply, encode } from '../../../src/protocol/codec.js';
import type { Command, Greeting, Reply, Shard } from '../../../src/protocol/messages.js';
import type { FuzzTarget, OpenTarget } from '../target.js';

const shard: Shard = {
  ring: 1,
  slot: 2,
  offset: 3,
  count: 4,
  size: 12,
  epoch: 0,
  index: 7,
  transforms: [{ name: 'randomCrop', options: { padding: 2 } }],
};
const groups = [{ lr: 0.1, momentum: 0.9, dampening: 0, weightDecay: 0, nesterov: false }];

const commands: readonly Command[] = [
  { op: 'adopt', from: 1 },
  { op: 'train', shard, groups, predictions: true, step: 300 },
  { op: 'optimizer', spec: { kind: 'sgd', groups: [[0, 1, 2]] } },
  { op: 'close' },
];

const error = new SampleError('cannot decode it', {
  where: 'a.png',
  hint: 'replace it',
  replica: 1,
  step: 4,
  cause: new Error('outer', { cause: new TypeError('inner') }),
});

const replies: readonly (Reply | Greeting)[] = [
  { ok: true, result: undefined },
  {
    ok: true,
    result: { loss: { sum: 3.5, count: 4 }, metrics: {}, computeMs: 1, allReduceMs: 2, updateMs: 3 },
  },
  { ok: true, result: { topology: '{}', weightSpecs: [], weightData: Uint8Array.of(1, 2, 3, 4) } },
  { ok: false, error: errorToWire(error) },
];

/** MessagePack's heads of long arrays, maps, strings and extensions, as text. */
const tokens = ['\u00dd', '\u00df', '\u00db', '\u00c9', 'op', 'ok', 'error', 'cause'];

const commandTarget: FuzzTarget = {
  name: 'commands',
  count: 100_000,
  async open(): Promise<OpenTarget> {
    return {
      seeds: commands.map(command => ({ bytes: encode(command) })),
      tokens,
      read(input) {
        assert.equal(typeof decodeCommand(input).op, 'string');
      },
    };
  },
};

const replyTarget: FuzzTarget = {
  name: 'replies',
  count: 100_000,
  async open(): Promise<OpenTarget> {
    return {
      seeds: replies.map(reply => ({ bytes: encode(reply) })),
      tokens,
      read(input) {
        const reply = decodeReply<Reply>(input);
        if (reply.ok) return;
        const rebuilt = errorFromWire(reply.error);
        assert.ok(rebuilt instanceof Error);
        assert.equal(typeof rebuilt.message, 'string');
        assert.equal(typeof rebuilt.stack, 'string');
      },
    };
  },
};

export const wireTargets: readonly FuzzTarget[] = [commandTarget, replyTarget];
