/** A ring member in a thread of its own: contributes seeded values for some rounds, or misbehaves on demand. */
import { parentPort, workerData } from 'node:worker_threads';
import { ControlBlock } from '../../src/allreduce/control-block.js';
import { RingMember } from '../../src/allreduce/ring.js';
import { errorToWire } from '../../src/errors.js';
import { contribution } from './contribution.js';

export interface MemberData {
  control: SharedArrayBuffer;
  buffers: SharedArrayBuffer[];
  rank: number;
  rounds: number;
  timeoutMs: number;
  /** Rounds after which this member leaves without a word. */
  leaveAfter?: number;
}

const data = workerData as MemberData;
const control = new ControlBlock(data.buffers.length, data.control);
const member = new RingMember(control, data.buffers, data.rank, { timeoutMs: data.timeoutMs });
const results: Float32Array[] = [];
try {
  for (let round = 0; round < (data.leaveAfter ?? data.rounds); round++) {
    control.enter(data.rank, 'all-reduce', round);
    member.local.set(contribution(data.rank, round, member.local.length));
    member.allReduce();
    results.push(member.local.slice());
  }
  control.enter(data.rank, 'update', data.leaveAfter ?? data.rounds);
  parentPort?.postMessage({ results });
} catch (error) {
  parentPort?.postMessage({ error: errorToWire(error) });
}
