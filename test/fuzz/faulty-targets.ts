/** Readers that do what none may, at inputs that begin with an odd byte. */
import { strict as assert } from 'node:assert';
import { DatasetError } from '../../src/errors.js';
import type { FuzzTarget } from './target.js';

function faulty(name: string, fault: () => void | Promise<void>): FuzzTarget {
  return {
    name,
    count: 100,
    growthLimit: 64,
    async open() {
      return {
        seeds: [{ bytes: Buffer.from([0, 1, 2, 3]) }],
        read: input => (input[0] % 2 === 1 ? fault() : undefined),
      };
    },
  };
}

const held: Buffer[] = [];

export const targets: readonly FuzzTarget[] = [
  faulty('throws', () => {
    throw new TypeError('cannot read properties of undefined');
  }),
  faulty('refuses without a place', () => {
    throw new DatasetError('no');
  }),
  faulty('breaks its promise', () => assert.equal(1, 2)),
  faulty('hangs', () => {
    for (;;);
  }),
  faulty('never settles', () => new Promise<void>(() => {})),
  faulty('crashes', () => void process.kill(process.pid, 'SIGKILL')),
  faulty('dawdles', () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }),
  faulty('lets a promise go', async () => {
    void Promise.reject(new Error('nobody awaits it'));
    await new Promise(setImmediate);
  }),
  faulty('grows', () => void held.push(Buffer.alloc(2 ** 22, 1))),
];
