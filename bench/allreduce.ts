/** The ring all-reduce of replica threads, beside PyTorch's gloo between as many processes. */
import { availableParallelism } from 'node:os';
import { ControlBlock } from '../src/allreduce/control-block.js';
import { threadUrl } from '../src/thread-url.js';
import type { AllReduceRuns, AllReduceTask } from './allreduce-thread.js';
import { count, counts } from './flags.js';
import { type Bench, compare, type Measurement, summarise } from './harness.js';
import { runPeer } from './peer.js';
import { BenchThreads } from './threads.js';

/** A run moves about this many floats, so that short all-reduces are timed in larger numbers … */
const floatsPerRun = 60e6;
/** … but within these. */
const [fewest, most] = [5, 200];

const iterationsOf = (size: number): number =>
  Math.min(most, Math.max(fewest, Math.round(floatsPerRun / size)));

const flags = {
  sizes: counts([300_000, 1_200_000, 5_000_000], 'floats in the buffer'),
  replicas: counts([2, 3, 4], 'members of the ring'),
  runs: count(5, 'runs after one to warm up'),
};

export const bench: Bench<typeof flags> = {
  description: 'milliseconds of one all-reduce, and GB/s of its payload',
  peer: 'PyTorch, gloo all_reduce between as many processes',
  flags,
  async run({ peer, peerOptions, signal, values: { sizes, replicas, runs }, say }) {
    const rows: Measurement[] = [];
    const versions: Record<string, string> = {};
    for (const size of sizes) {
      for (const members of replicas) {
        const task = { size, members, runs, iterations: iterationsOf(size) };
        say(`${label(task)}: ring${peer ? ', gloo' : ''}`);
        const ring = await ours(task, signal);
        rows.push(ring);
        if (!peer) continue;
        const named = { processes: members, floats: size, runs, iterations: task.iterations };
        const args = Object.entries(named).flatMap(([name, value]) => [`--${name}`, String(value)]);
        const result = (await runPeer('allreduce.py', args, peerOptions)) as { torch: string; ms: number[] };
        versions.torch = result.torch;
        const gloo = withBandwidth(summarise(`${label(task)}, gloo`, 'ms', result.ms), size);
        rows.push(compare(gloo, { ...ring, name: 'the ring' }));
      }
    }
    return {
      settings: { cores: availableParallelism() },
      rows,
      versions,
      notes: [
        'GB/s is the size of the buffer over the time of an all-reduce; a run is many of them back to back',
        'more members than cores share the cores: those rows show the scheduler as well',
      ],
    };
  },
};

interface Task extends AllReduceRuns {
  readonly size: number;
  readonly members: number;
}

const label = ({ size, members }: Task): string => `${size / 1e6} M floats, N = ${members}`;

const withBandwidth = (row: Measurement, size: number): Measurement => ({
  ...row,
  also: { value: (size * Float32Array.BYTES_PER_ELEMENT) / (row.median * 1e6), unit: 'GB/s' },
});

async function ours(task: Task, signal: AbortSignal): Promise<Measurement> {
  const { size, members, runs, iterations } = task;
  const control = new ControlBlock(members).buffer;
  const buffers = Array.from(
    { length: members },
    () => new SharedArrayBuffer(size * Float32Array.BYTES_PER_ELEMENT),
  );
  const tasks = buffers.map((_, rank): AllReduceTask => ({ control, buffers, rank }));
  const threads = new BenchThreads(threadUrl('./allreduce-thread', import.meta.url), tasks, signal);
  try {
    const message: AllReduceRuns = { runs, iterations };
    const [first] = await threads.ask<number[]>(message);
    return withBandwidth(summarise(`${label(task)}, ring`, 'ms', first), size);
  } finally {
    await threads.close();
  }
}
