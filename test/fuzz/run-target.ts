/** Runs one target in a process of its own, and watches over it: it may crash, hang or outgrow its memory. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface FuzzOptions {
  readonly target: string;
  /** URL of the module that exports it in `targets`. */
  readonly module: string;
  readonly seed: number;
  /** First input. Default 0. */
  readonly from?: number;
  readonly count: number;
  /** File to read instead of mutated inputs. */
  readonly input?: string;
  /** Longest that one input may take, ms. Default 2,000. */
  readonly slowMs?: number;
  /** Time after which a process that is still at the same input counts as hanging, ms. Default 10,000. */
  readonly hangMs?: number;
  /** Folder for inputs that did harm; it is made when there is one. */
  readonly failures: string;
}

/** What the process is told. */
export interface FuzzJob extends Required<Omit<FuzzOptions, 'failures' | 'hangMs' | 'input'>> {
  readonly input?: string;
  readonly folder: string;
  /** File that says what it is at; drawn in child.ts. */
  readonly state: string;
}

/** What the process says. */
export interface FuzzReport {
  inputs: number;
  read: number;
  refused: number;
  slowestMs: number;
  /** Number of the slowest input. */
  slowest: number;
  /** MiB that the process grew at most. */
  growth: number;
  faults: { readonly n: number; readonly reason: string; readonly input?: Uint8Array }[];
}

export interface FuzzFault {
  /** Number of the input; −1 where it is no single one's fault. */
  readonly n: number;
  readonly reason: string;
  /** Where the input was written to. */
  readonly file?: string;
}

export interface FuzzResult extends Omit<FuzzReport, 'faults'> {
  readonly target: string;
  readonly seconds: number;
  readonly faults: readonly FuzzFault[];
}

const STATE_HEAD = 12;
const CHECK_MS = 250;
/** Longest that a process may take to come to its first input. */
const START_MS = 60_000;

export async function runTarget(options: FuzzOptions): Promise<FuzzResult> {
  const { failures, hangMs = 10_000, ...told } = options;
  const folder = mkdtempSync(join(tmpdir(), 'gradring-fuzz-'));
  const state = join(folder, 'state');
  const job: FuzzJob = { from: 0, slowMs: 2000, ...told, folder, state };
  const start = performance.now();
  try {
    const report = await watched(job, hangMs);
    const seconds = (performance.now() - start) / 1000;
    const faults = report.faults.map(({ n, reason, input }) => {
      if (input === undefined) return { n, reason };
      const file = join(failures, `${options.target.replace(/\W+/g, '-')}-${options.seed}-${n}.bin`);
      mkdirSync(failures, { recursive: true });
      writeFileSync(file, input);
      return { n, reason, file };
    });
    return { ...report, target: options.target, seconds, faults };
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Whatever becomes of the process, there is a report. */
function watched(job: FuzzJob, hangMs: number): Promise<FuzzReport> {
  const child = fork(fileURLToPath(new URL('./child.js', import.meta.url)), [JSON.stringify(job)], {
    // Binary inputs travel as they are.
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: ['--enable-source-maps', '--max-old-space-size=512'],
  });
  const said = lastWords(child);
  return new Promise(resolve => {
    let report: FuzzReport | undefined;
    let hung = false;
    const watchdog = watch(job.state, hangMs, () => {
      hung = true;
      child.kill('SIGKILL');
    });
    child.on('message', message => {
      clearInterval(watchdog);
      report = message as FuzzReport;
    });
    child.on('close', (code, signal) => {
      clearInterval(watchdog);
      const ended = `ended by ${signal ?? `exit code ${code}`}: ${said()}`;
      resolve(report ?? lost(job, hung ? `hung: nothing came of it for ${hangMs / 1000} s` : ended));
    });
  });
}

/** Calls `onHang` once the process has been at the same input for `hangMs`, or has not come to its first one. */
function watch(state: string, hangMs: number, onHang: () => void): NodeJS.Timeout {
  let at = -1;
  let since = performance.now();
  return setInterval(() => {
    const { n } = readState(state);
    if (n !== at) {
      at = n;
      since = performance.now();
    } else if (performance.now() - since > (n < 0 ? START_MS : hangMs)) {
      onHang();
    }
  }, CHECK_MS);
}

/** Of a process that cannot report any more. */
function lost(job: FuzzJob, reason: string): FuzzReport {
  const { n, input } = readState(job.state);
  const inputs = Math.max(0, n - job.from + 1);
  return { inputs, read: 0, refused: 0, slowestMs: 0, slowest: n, growth: 0, faults: [{ n, reason, input }] };
}

/** Before the first input there is none: −1. */
function readState(file: string): { n: number; input?: Uint8Array } {
  let state: Buffer;
  try {
    state = readFileSync(file);
  } catch {
    return { n: -1 };
  }
  if (state.length < STATE_HEAD) return { n: -1 };
  const length = state.readUInt32LE(8);
  return { n: state.readUInt32LE(0), input: state.subarray(STATE_HEAD, STATE_HEAD + length) };
}

function lastWords({ stderr }: ChildProcess): () => string {
  let text = '';
  stderr?.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-4000);
  });
  return () => text.trim() || 'it said nothing';
}
