/** Runs one check in a process group of its own, which ends at its limit whatever it does. */
import { spawn } from 'node:child_process';
import { packageRoot } from '../../src/package-root.js';
import type { Check } from './checks.js';
import type { Outcome, Settings } from './settings.js';

export interface Result {
  readonly name: string;
  readonly shows: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  readonly seconds: number;
  readonly figures: Outcome['figures'];
  readonly problems: readonly string[];
  /** What it printed at the end, where that is the result. */
  readonly output?: string;
  /** What runs it again. */
  readonly command: string;
}

/** Enough for a table of a bench or a stack. */
const keptLines = 40;

export async function runCheck(check: Check, settings: Settings): Promise<Result> {
  const { name, shows, limitSeconds } = check;
  const args = check.command(settings);
  const started = performance.now();
  const { code, signal, stdout, stderr, isLate } = await runToLimit(args, limitSeconds);
  const seconds = (performance.now() - started) / 1000;
  const base = { name, shows, seconds, command: `node ${args.map(quoted).join(' ')}` };
  const outcome = code === 0 ? outcomeOf(stdout) : undefined;
  if (outcome) {
    const { figures, problems, skipped } = outcome;
    if (skipped) return { ...base, state: 'skipped', figures, problems: [skipped] };
    return { ...base, state: problems.length > 0 ? 'failed' : 'passed', figures, problems };
  }
  const end = isLate ? `still running after ${limitSeconds} s` : `ended with ${signal ?? code}`;
  const output = lastLines(code === 0 ? stdout : `${stdout}\n${stderr}`);
  return {
    ...base,
    state: code === 0 ? 'passed' : 'failed',
    figures: {},
    problems: code === 0 ? [] : [end],
    output,
  };
}

const quoted = (arg: string): string => (/^[\w./:=,-]+$/.test(arg) ? arg : `'${arg}'`);

const lastLines = (text: string): string => text.trim().split('\n').slice(-keptLines).join('\n');

/** Our own checks print their outcome as the last line; commands of the project print what they like. */
function outcomeOf(stdout: string): Outcome | undefined {
  try {
    const value = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    return value && typeof value === 'object' && 'problems' in value ? (value as Outcome) : undefined;
  } catch {
    return undefined;
  }
}

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly isLate: boolean;
}

function runToLimit(args: readonly string[], limitSeconds: number): Promise<Ended> {
  const child = spawn(process.execPath, args, {
    cwd: packageRoot(),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  let stdout = '';
  let stderr = '';
  let isLate = false;
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text;
  });
  // A negative id names the group: what the check started itself ends with it.
  const end = (): void => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  };
  const timer = setTimeout(() => {
    isLate = true;
    end();
  }, limitSeconds * 1000);
  process.once('exit', end);
  return new Promise(resolve => {
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      process.off('exit', end);
      resolve({ code, signal, stdout, stderr, isLate });
    });
  });
}
