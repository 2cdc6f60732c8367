/** A ring member in a thread of its own: contributes seeded values for some rounds, or misbehaves on demand. */
import { parentPort, workerData } from 'node:worker_threads';
import { ControlBlock } from '../../src/allreduce/control-block.js';
import { RingMember } from '../../src/allreduce/ring.js';
import { errorToWire } from '../../src/errors.js';
import { contribution } from './contribution.js';

export interface MemberData {
  control: SharedArrayBuffer;
  /** One set of ring buffers per length, each in rank order. */
  rings: SharedArrayBuffer[][];
  rank: number;
  rounds: number;
  timeoutMs: number;
  /** Rounds after which this member leaves without a word. */
  leaveAfter?: number;
  /** The engine whose loops it sums with; JavaScript's without one. */
  engine?: 'torch';
}

const data = workerData as MemberData;
const { rank, leaveAfter, engine } = data;
const rounds = leaveAfter ?? data.rounds;
const control = new ControlBlock(data.rings[0].length, data.control);
const results: Float32Array[][] = [];
try {
  // Loaded by those who need it: TensorFlow.js takes longer than all their sums.
  const { openEngine } = engine ? await import('../../src/engine/registry.js') : {};
  const math = engine && (await openEngine?.(engine, `cpu:${rank}`))?.flatMath;
  for (const buffers of data.rings) {
    const member = new RingMember(control, buffers, rank, { timeoutMs: data.timeoutMs, math });
    const sums: Float32Array[] = [];
    for (let round = 0; round < rounds; round++) {
      control.enter(rank, 'all-reduce', round);
      member.local.set(contribution(rank, round, member.local.length));
      member.allReduce();
      sums.push(member.local.slice());
    }
    results.push(sums);
  }
  control.enter(rank, 'update', rounds);
  parentPort?.postMessage({ results });
} catch (error) {
  parentPort?.postMessage({ error: errorToWire(error) });
}
