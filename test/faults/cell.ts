/** One cell of the fault matrix: a whole run in which one fault strikes one replica in one phase, under one policy. */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { FailurePolicy } from '../../src/protocol/failure-policy.js';
import type { Phase } from '../../src/protocol/phases.js';
import type { TrainOptions } from '../../src/run/config.js';
import type { RunEvent } from '../../src/run/run-events.js';
import { startRun } from '../../src/run/run-handle.js';
import type { TrainSummary } from '../../src/run/summary.js';
import { threadUrl } from '../../src/thread-url.js';
import type { Fault, FaultOptions } from '../fixtures/fault-recipe-names.js';
import { threadsAlive } from '../fixtures/threads.js';

/** Where faults strike, by the name they have in the table. */
export const phases = {
  start: 'start',
  'data wait': 'idle',
  forward: 'forward',
  backward: 'backward',
  'all-reduce': 'all-reduce',
  update: 'update',
  checkpoint: 'checkpoint',
  close: 'close',
} as const satisfies Record<string, Phase>;
export type PhaseName = keyof typeof phases;

export interface Cell {
  readonly fault: Fault;
  readonly phase: PhaseName;
  readonly policy: FailurePolicy;
}

export interface CellResult extends Cell {
  /** What became of the run, in a few words. */
  readonly outcome: string;
  /** What is not as promised; empty where all is. */
  readonly problems: readonly string[];
  /** From the strike until the run had ended or gone on. */
  readonly seconds: number;
  /** Longest that this may take. */
  readonly boundSeconds: number;
}

/** What a step may take, in s; a replica that stalls is noticed after that. */
const stallTimeout = 3;
/** What the start of a replica may take, in s. */
const startTimeout = 6;
/** What is allowed beyond a configured bound, in s. */
const beyondSeconds = 5;

/** A native abort takes the process with it: such a run has one of its own. */
const isIsolated = ({ fault }: Cell): boolean => fault === 'abort';

function optionsOf(
  { fault, phase, policy }: Cell,
  engine: string,
  folder: string,
  marker: string,
): TrainOptions {
  // Replica 0 is the one whose state is saved, for the second time after the fourth step.
  const isSaving = phase === 'checkpoint';
  const strike: FaultOptions = {
    fault,
    phase: phases[phase],
    replica: isSaving ? 0 : 1,
    step: isSaving ? 3 : 2,
    marker,
  };
  return {
    ...common,
    engine: engine as TrainOptions['engine'],
    options: { ...strike },
    onReplicaFailure: policy,
    stallTimeout,
    // Elsewhere a slow machine has time to start.
    startTimeout: fault === 'stall' && phase === 'start' ? startTimeout : 120,
    out: folder,
  };
}

const common = {
  data: 'sample',
  recipe: threadUrl('../fixtures/fault-recipe', import.meta.url).href,
  gpus: 'cpu:3',
  epochs: 2,
  batchSize: 24,
  limitBatches: 4,
  checkpointSteps: 2,
} satisfies TrainOptions;

interface Ended {
  readonly summary?: TrainSummary;
  readonly error?: Error & { code?: string; replica?: number };
  readonly events: readonly RunEvent[];
  readonly endedAt: number;
}

async function runToEnd(options: TrainOptions, isolate: boolean): Promise<Ended> {
  const run = startRun(options, { isolate });
  const [summary, error] = await run.result.then(
    summary => [summary, undefined] as const,
    error => [undefined, error] as const,
  );
  await run.close();
  const endedAt = Date.now();
  const events: RunEvent[] = [];
  for await (const event of run.events) events.push(event);
  return { summary, error, events, endedAt };
}

/** Checksum of the run as it is without any fault. */
export async function undisturbed(engine = 'cpu'): Promise<string> {
  return inFolder(async folder => {
    const options = { phase: 'start', replica: 1, step: 0, marker: join(folder, 'none') };
    const own = { engine: engine as TrainOptions['engine'], options, out: join(folder, 'run') };
    const { summary, error } = await runToEnd({ ...common, ...own }, false);
    if (!summary) throw error;
    return summary.replicaChecksums[0];
  });
}

async function inFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'gradring-fault-'));
  try {
    return await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param expected checksum of the undisturbed run */
export function runCell(cell: Cell, expected: string, engine = 'cpu'): Promise<CellResult> {
  return inFolder(async folder => {
    const marker = join(folder, 'struck');
    const out = join(folder, 'run');
    const ended = await runToEnd(optionsOf(cell, engine, out, marker), isIsolated(cell));
    const problems = leftovers(out);
    const struck = strikeTime(marker);
    if (struck === undefined) problems.push('the fault never struck');
    const outcome = await judge(cell, ended, { expected, out, problems });
    const boundSeconds = configuredBound(cell) + beyondSeconds;
    const seconds = ((goneOn(ended, cell) ?? ended.endedAt) - (struck ?? 0)) / 1000;
    if (seconds > boundSeconds) problems.push(`${seconds.toFixed(1)} s, of ${boundSeconds} at most`);
    return { ...cell, outcome, problems, seconds, boundSeconds };
  });
}

/** How long nothing can be known of a fault, in s. */
function configuredBound({ fault, phase }: Cell): number {
  if (fault !== 'stall' || phase === 'close') return 0;
  return phase === 'start' ? startTimeout : stallTimeout;
}

function leftovers(out: string): string[] {
  const files = existsSync(out) ? (readdirSync(out, { recursive: true }) as string[]) : [];
  return [
    ...(threadsAlive() > 0 ? [`${threadsAlive()} threads are left`] : []),
    ...files.filter(file => file.endsWith('.tmp')).map(file => `${file} is left`),
  ];
}

function strikeTime(marker: string): number | undefined {
  const file = readdirSync(dirname(marker)).find(name => name.startsWith(`${basename(marker)}-`));
  return file === undefined ? undefined : statSync(join(dirname(marker), file)).mtimeMs;
}

const recoveries: Readonly<Record<string, string>> = {
  W_REPLICA_RESTARTED: 'restarted',
  W_REPLICA_LOST: 'shrunk',
  W_PROCESS_RESTARTED: 'process restarted',
};

const recoveryIn = (events: readonly RunEvent[]) =>
  events.find(event => event.type === 'warning' && event.warning.code in recoveries);

/** When the run went on: the first sign of life after what was said about the replica. */
function goneOn({ events, error }: Ended, { phase }: Cell): number | undefined {
  if (error || phase === 'close') return undefined;
  const at = recoveryIn(events)?.seq ?? Number.POSITIVE_INFINITY;
  return events.find(({ seq, type }) => seq > at && type !== 'warning')?.time;
}

interface Context {
  readonly expected: string;
  readonly out: string;
  /** Added to. */
  readonly problems: string[];
}

async function judge(cell: Cell, ended: Ended, context: Context): Promise<string> {
  if (ended.error) return judgeEnd(cell, ended, context);
  const { summary, events } = ended;
  const { problems, expected } = context;
  const checksums = new Set(summary?.replicaChecksums);
  const warning = recoveryIn(events);
  const code = warning?.type === 'warning' ? warning.warning.code : undefined;
  if (checksums.size !== 1) problems.push('replicas hold different weights');
  // A replica that fails when all is done and saved takes nothing away.
  const isOver = cell.phase === 'close';
  const replicas = cell.policy === 'shrink' && !isOver ? 2 : 3;
  if (summary?.replicas.length !== replicas) problems.push(`${summary?.replicas.length} replicas at the end`);
  if (replicas === 3 && !checksums.has(expected)) problems.push('other weights than without the fault');
  if (cell.policy === 'fail' && !isOver) problems.push('the run went on');
  if (!isOver && code === undefined) problems.push('no warning');
  return code === undefined ? 'done' : `${recoveries[code]}, done`;
}

/** A run that ended with an error: says which, and can be resumed to the very result. */
async function judgeEnd(cell: Cell, { error }: Ended, { out, problems, expected }: Context): Promise<string> {
  const wanted = isIsolated(cell)
    ? 'E_PROCESS'
    : cell.fault === 'stall'
      ? 'E_STALL'
      : cell.phase === 'start' && cell.fault === 'throw'
        ? 'E_RECIPE'
        : 'E_REPLICA';
  if (cell.policy !== 'fail') problems.push(`ended: ${error?.message}`);
  if (error?.code !== wanted) problems.push(`${error?.code} in place of ${wanted}: ${error?.message}`);
  if (!isIsolated(cell) && wanted !== 'E_RECIPE') {
    const replica = cell.phase === 'checkpoint' ? 0 : 1;
    if (error?.replica !== replica) problems.push(`replica ${error?.replica} is blamed: ${error?.message}`);
  }
  if (cell.phase === 'start') return `${error?.code}, nothing begun`;
  const { summary, error: second } = await runToEnd({ resume: out }, false);
  if (!summary) problems.push(`not resumed: ${second?.message}`);
  else if (summary.replicaChecksums[0] !== expected) problems.push('resumed to other weights');
  return `${error?.code}, saved, resumed`;
}
