/** One member of the ring, in a thread of its own: all-reduces back to back, timed. */
import { workerData } from 'node:worker_threads';
import { ControlBlock } from '../src/allreduce/control-block.js';
import { RingMember } from '../src/allreduce/ring.js';
import { serve } from './serve.js';

export interface AllReduceTask {
  readonly control: SharedArrayBuffer;
  /** One per replica, in rank order. */
  readonly buffers: readonly SharedArrayBuffer[];
  readonly rank: number;
}

export interface AllReduceRuns {
  readonly runs: number;
  /** All-reduces in a run. */
  readonly iterations: number;
}

const { control, buffers, rank } = workerData as AllReduceTask;
const timeoutMs = 60_000;
const ring = new RingMember(new ControlBlock(buffers.length, control), buffers, rank, { timeoutMs });

/** Milliseconds an all-reduce, for each run. */
serve<AllReduceRuns, number[]>(({ runs, iterations }) => {
  ring.local.fill(rank + 1);
  ring.allReduce();
  const expected = (buffers.length * (buffers.length + 1)) / 2;
  if (ring.local.some(value => value !== expected)) throw new Error(`rank ${rank}: the sum is wrong`);
  // Zeros stay finite however often they are added up.
  ring.local.fill(0);
  const times: number[] = [];
  for (let run = -1; run < runs; run++) {
    const start = performance.now();
    for (let i = 0; i < iterations; i++) ring.allReduce();
    if (run >= 0) times.push((performance.now() - start) / iterations);
  }
  return times;
});
