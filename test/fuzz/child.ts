/**
 * The process of one target: makes its inputs, reads them and judges what happens. What it is at stands in a file that
 * survives it: its parent looks there whether it hangs, and what it died of.
 *
 *     byte 0      4        8        12
 *     | n, uint32 | unused | length | input n |
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { mutatedInput } from './input.js';
import { faultOf } from './oracle.js';
import type { FuzzJob, FuzzReport } from './run-target.js';
import type { FuzzTarget, OpenTarget } from './target.js';

const STATE_HEAD = 12;
/** Faults after which a target is given up: they are mostly the same one. */
const MOST_FAULTS = 5;
/** Inputs after which the event loop has a turn, for finalisers. */
const TURN = 500;

const MEBIBYTE = 2 ** 20;

async function run(job: FuzzJob): Promise<FuzzReport> {
  const { targets } = (await import(job.module)) as { targets: readonly FuzzTarget[] };
  const target = targets.find(({ name }) => name === job.target) as FuzzTarget;
  const open = await target.open(job.folder);
  const state = openSync(job.state, 'w');
  const report: FuzzReport = {
    inputs: 0,
    read: 0,
    refused: 0,
    slowestMs: 0,
    slowest: 0,
    growth: 0,
    faults: [],
  };
  try {
    await readAll(job, open, state, report);
    const growthLimit = target.growthLimit ?? 256;
    if (report.growth > growthLimit)
      report.faults.push({ n: -1, reason: `the process grew by ${report.growth} MiB, over ${growthLimit}` });
    return report;
  } finally {
    closeSync(state);
    await open.close?.();
  }
}

async function readAll(job: FuzzJob, open: OpenTarget, state: number, report: FuzzReport): Promise<void> {
  const before = process.memoryUsage.rss();
  for (let n = job.from; n < job.from + job.count && report.faults.length < MOST_FAULTS; n++) {
    const input = job.input === undefined ? mutatedInput(open, { ...job, n }) : readFileSync(job.input);
    note(state, n, input);
    const start = performance.now();
    const fault = await outcome(open, input, report);
    const tookMs = performance.now() - start;
    report.inputs++;
    if (tookMs > report.slowestMs) Object.assign(report, { slowestMs: tookMs, slowest: n });
    if (tookMs > job.slowMs) report.faults.push({ n, reason: `took ${Math.round(tookMs)} ms`, input });
    else if (fault !== undefined) report.faults.push({ n, reason: fault, input });
    if (n % TURN === 0) await new Promise(setImmediate);
  }
  // The largest that it ever was, not only now.
  const peak = process.resourceUsage().maxRSS * 1024;
  report.growth = Math.max(0, Math.round((peak - before) / MEBIBYTE));
}

async function outcome(open: OpenTarget, input: Uint8Array, report: FuzzReport): Promise<string | undefined> {
  try {
    const pending = open.read(input);
    if (pending !== undefined) await pending;
    report.read++;
    return undefined;
  } catch (thrown) {
    report.refused++;
    return faultOf(thrown);
  }
}

function note(state: number, n: number, input: Uint8Array): void {
  const head = Buffer.alloc(STATE_HEAD);
  head.writeUInt32LE(n, 0);
  head.writeUInt32LE(input.length, 8);
  writeSync(state, Buffer.concat([head, input]), 0, STATE_HEAD + input.length, 0);
}

const report = await run(JSON.parse(process.argv[2]) as FuzzJob);
// What is still open is no business of the target's any more.
process.send?.(report, () => process.exit(0));
