/** Kills the whole program in the middle of a training and lets it go on, until it has come to its end. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listCheckpoints } from '../../src/checkpoint/read-files.js';
import { packageRoot } from '../../src/package-root.js';
import type { TrainSummary } from '../../src/run/summary.js';

/** When to kill: so long after the start of the program, or in the middle of its how manieth file of a checkpoint. */
export type KillPoint =
  | { readonly when: 'time'; readonly afterMs: number }
  | { readonly when: 'saving'; readonly file: number };

/** A program that was killed. */
export interface Kill {
  readonly point: KillPoint;
  /** Since its start. */
  readonly ms: number;
  /** The last step it is known to have done, or what it had not come to. */
  readonly reached: string;
  /** The checkpoint that is left to go on from, if there is one. */
  readonly left: string | undefined;
}

export interface Outcome {
  readonly kills: readonly Kill[];
  /** What the training came to once nobody killed it. */
  readonly summary: TrainSummary;
  /** Times that there was nothing to resume, and the run was started again. */
  readonly restarts: number;
}

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
  readonly ms: number;
}

/** Trains to the end. @throws when the program fails */
export async function undisturbed(
  args: readonly string[],
  out: string,
): Promise<TrainSummary & { ms: number }> {
  const ended = await program([...args, '--out', out]);
  return { ...summaryOf(out, ended), ms: ended.ms };
}

/**
 * Trains, is killed at each of these points in turn, resumes after each, and comes to its end. Where a kill left
 * nothing to resume, and the program says so, it starts again.
 *
 * @throws when the program ends in another way than it should, or leaves a file half written
 */
export async function killAndResume(
  args: readonly string[],
  out: string,
  points: readonly KillPoint[],
): Promise<Outcome> {
  const kills: Kill[] = [];
  let restarts = 0;
  let next = [...args, '--out', out];
  const left = [...points];
  for (;;) {
    const point = left[0];
    const ended = await program(next, point);
    if (saysNothingToResume(ended)) {
      rmSync(out, { recursive: true, force: true });
      restarts++;
      next = [...args, '--out', out];
      continue;
    }
    // Quicker than the kill, or nobody was to kill it.
    if (ended.code !== null) return { kills, summary: summaryOf(out, ended), restarts };
    kills.push({ point, ms: ended.ms, reached: reachedIn(out), left: await newestIn(out) });
    left.shift();
    next = ['--resume', out];
  }
}

const killsItself = fileURLToPath(new URL('kill-while-writing.js', import.meta.url));

/** Runs the command as a user would, and kills it at this point. */
function program(args: readonly string[], point?: KillPoint): Promise<Ended> {
  const since = performance.now();
  // Someone who looks on from outside comes too late now and then: the file is whole by then.
  const isSaving = point?.when === 'saving';
  const child = spawn(
    process.execPath,
    [...(isSaving ? ['--import', killsItself] : []), join(packageRoot(), 'scripts', 'train.js'), ...args],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '', ...(isSaving && { KILL_AT_FILE: String(point.file) }) },
    },
  );
  const timer = point?.when === 'time' && setTimeout(() => child.kill('SIGKILL'), point.afterMs);
  let stderr = '';
  child.stderr.on('data', chunk => {
    stderr += chunk;
  });
  return new Promise(resolve =>
    child.once('close', code => {
      if (timer) clearTimeout(timer);
      resolve({ code, stderr, ms: performance.now() - since });
    }),
  );
}

const saysNothingToResume = ({ code, stderr }: Ended): boolean =>
  code === 2 &&
  /E_CHECKPOINT.*(nothing to resume|no run that can be resumed)[\s\S]*start(ed)? (it )?again/.test(stderr);

function summaryOf(out: string, { code, stderr }: Ended): TrainSummary {
  const halves = readdirSync(out, { recursive: true }).filter(name => String(name).endsWith('.tmp'));
  if (code !== 0 || halves.length > 0)
    throw new Error(`the program ended with ${code} and left [${halves}] half written:\n${stderr}`);
  return JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'));
}

/** Needs `--track jsonl`, which writes about once a second. */
function reachedIn(out: string): string {
  if (!existsSync(join(out, 'config.json'))) return 'no folder yet';
  const path = join(out, 'steps.jsonl');
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  const steps = lines.flatMap(line => /"step":(\d+)/.exec(line)?.[1] ?? []);
  return steps.length === 0 ? 'before the steps' : `step ${steps.at(-1)}`;
}

async function newestIn(out: string): Promise<string | undefined> {
  const newest = (await listCheckpoints(join(out, 'checkpoints'))).at(-1);
  if (newest === undefined) return undefined;
  const { position, globalStep } = newest.info;
  return `step ${globalStep} (epoch ${position.epoch + 1}, ${position.phase} ${position.batch})`;
}
