import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import t, { type Test } from 'tap';
import { ControlBlock } from '../../src/allreduce/control-block.js';
import { isAddonBuilt } from '../../src/engine/torch/addon.js';
import type { WireError } from '../../src/errors.js';
import { threadUrl } from '../../src/thread-url.js';
import { contribution, fixedOrderSum } from './contribution.js';
import type { MemberData } from './member-thread.js';

interface Reply {
  /** By ring, then by round. */
  results?: Float32Array[][];
  error?: WireError;
}

interface Ring {
  control: ControlBlock;
  workers: Worker[];
  replies: Promise<Reply>[];
}

function startRing(replicas: number, lengths: number[], options: Partial<MemberData>[] = []): Ring {
  const control = new ControlBlock(replicas);
  const rings = lengths.map(length =>
    Array.from({ length: replicas }, () => new SharedArrayBuffer(length * 4)),
  );
  const workers = rings[0].map((_, rank) => {
    const workerData: MemberData = {
      control: control.buffer,
      rings,
      rank,
      rounds: 3,
      timeoutMs: 20_000,
      ...options[rank],
    };
    return new Worker(threadUrl('./member-thread', import.meta.url), { workerData });
  });
  const replies = workers.map(async worker => (await once(worker, 'message'))[0] as Reply);
  return { control, workers, replies };
}

async function allExited(ring: Ring): Promise<void> {
  await Promise.all(ring.workers.map(worker => worker.terminate()));
}

const lengths = [0, 1, 2, 7, 101, 7919, 200_003];

async function checkSums(t: Test, replicas: number, engine?: 'torch'): Promise<void> {
  const ring = startRing(replicas, lengths, Array(replicas).fill({ engine }));
  const replies = await Promise.all(ring.replies);
  await allExited(ring);
  for (const [i, length] of lengths.entries()) {
    for (let round = 0; round < 3; round++) {
      const parts = Array.from({ length: replicas }, (_, rank) => contribution(rank, round, length));
      const expected = Buffer.from(fixedOrderSum(parts).buffer);
      const equal = replies.every(
        ({ results }) => results && Buffer.compare(Buffer.from(results[i][round].buffer), expected) === 0,
      );
      if (!equal) t.fail(`round ${round} differs with ${replicas} replicas, length ${length}`);
    }
  }
  t.pass(`${replicas} replicas, lengths ${lengths}`);
}

t.test('the sum is exact to the fixed order, for any number of replicas and any length', async t => {
  for (const replicas of [1, 2, 3, 5, 8]) await checkSums(t, replicas);
});

const withoutAddon = isAddonBuilt()
  ? false
  : 'the addon of the torch engine is not built (npm run build:native)';

t.test('the one-pass sum of the torch engine gives the same bits', { skip: withoutAddon }, async t => {
  for (const replicas of [2, 3]) await checkSums(t, replicas, 'torch');
});

t.test('an abort in any phase frees every waiter', async t => {
  const replicas = 4;
  // One member leaves after `leaveAfter` rounds: the others then wait for it in every place of the ring.
  for (let leaver = 0; leaver < replicas; leaver++) {
    for (const leaveAfter of [0, 1, 2]) {
      const options = Array.from({ length: replicas }, (_, rank) => (rank === leaver ? { leaveAfter } : {}));
      const ring = startRing(replicas, [1000], options);
      await ring.replies[leaver];
      const since = performance.now();
      ring.control.abort(leaver);
      const others = await Promise.all(ring.replies.filter((_, rank) => rank !== leaver));
      t.ok(performance.now() - since < 1000, `freed within a second (leaver ${leaver}, round ${leaveAfter})`);
      for (const { error } of others) {
        t.match(error, { code: 'E_RING_ABORTED', message: `ended by replica ${leaver}` });
      }
      await allExited(ring);
    }
  }
});

t.test('a member that never comes is named, with its phase, after the bound', async t => {
  const options = [{ timeoutMs: 2000 }, { leaveAfter: 1, timeoutMs: 2000 }];
  const ring = startRing(2, [10], options);
  const { error } = await ring.replies[0];
  t.match(error, { code: 'E_STALL', replica: 1, phase: 'update', step: 1 });
  await allExited(ring);
});

t.test('a ring that was aborted stays aborted', async t => {
  const control = new ControlBlock(2);
  control.abort();
  control.abort(1);
  t.equal(control.abortedBy, -1, 'the first to abort is remembered');
});
