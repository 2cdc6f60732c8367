/** What the soak does again and again: runs that end in every way there is, and what each must come to. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../src/random.js';
import type { TrainOptions } from '../src/run/config.js';
import { type RunContext, startRun } from '../src/run/run-handle.js';
import type { TrainSummary } from '../src/run/summary.js';
import type { SoakOptions } from './soak-recipe.js';

export interface SoakContext {
  /** Empty, and to be left so. */
  readonly folder: string;
  readonly random: Random;
  readonly engine: string;
  readonly replicas: number;
}

type Episode = (context: SoakContext) => Promise<void>;

const recipe = new URL('./soak-recipe.js', import.meta.url).href;

/** Calls of the loss on one replica in a whole run. */
const batches = 6;
const epochs = 2;
/** Longest time after which a run is ended, in ms: some have not begun by then, some are over. */
const longestMs = 1500;

/** Of a run that nothing disturbs: those that are disturbed and go on must come to the same. */
let undisturbed: string | undefined;

function settings({ engine, replicas, folder }: SoakContext, fault: SoakOptions = {}): TrainOptions {
  const options = { ...fault, marker: join(folder, 'struck') };
  const size = { batchSize: 16 * replicas, limitBatches: batches, epochs };
  return { recipe, options, engine: engine as 'wasm', gpus: `cpu:${replicas}`, workers: 1, ...size };
}

/** A call of the loss somewhere in the run. */
const someCall = ({ random }: SoakContext): number => random.below(batches * epochs);

async function settle(
  soak: SoakContext,
  { folder = 'run', ...options }: TrainOptions & { folder?: string },
  context: RunContext,
  end?: (run: ReturnType<typeof startRun>) => void,
): Promise<TrainSummary> {
  const run = startRun({ ...options, out: join(soak.folder, folder) }, context);
  const ending = new AbortController();
  if (end)
    void delay(soak.random.below(longestMs), undefined, { signal: ending.signal }).then(
      () => end(run),
      () => {},
    );
  try {
    return await run.result;
  } finally {
    ending.abort();
    await run.close();
  }
}

function requireUndisturbed({ replicaChecksums: [checksum], stopped }: TrainSummary): void {
  undisturbed ??= checksum;
  if (stopped || checksum !== undisturbed)
    throw new Error(`came to ${checksum}${stopped ? ', stopped' : ''}; it should have been ${undisturbed}`);
}

async function requireCode(result: Promise<unknown>, code: string, mayEnd: boolean): Promise<void> {
  try {
    await result;
  } catch (error) {
    if ((error as { code?: string }).code === code) return;
    throw error;
  }
  if (!mayEnd) throw new Error(`ended well; it should have failed with ${code}`);
}

/** By name; the first one must be that of a run that nothing disturbs. */
export const episodes: Readonly<Record<string, Episode>> = {
  async 'to the end'(soak) {
    requireUndisturbed(await settle(soak, settings(soak), {}));
  },
  async 'two at once'(soak) {
    const [summary] = await Promise.all([
      settle(soak, settings(soak), {}),
      settle(soak, { ...settings(soak), seed: 7, folder: 'other' }, {}),
    ]);
    requireUndisturbed(summary);
  },
  async stopped(soak) {
    // Before its first step a run that is stopped is one that is ended at once.
    await requireCode(
      settle(soak, settings(soak), {}, run => run.stop('soak')),
      'E_ABORTED',
      true,
    );
  },
  async 'ended at once'(soak) {
    const controller = new AbortController();
    const result = settle(soak, settings(soak), { abortSignal: controller.signal }, () => controller.abort());
    await requireCode(result, 'E_ABORTED', true);
  },
  async 'failing recipe'(soak) {
    await requireCode(
      settle(soak, settings(soak, { fault: 'throw', call: someCall(soak) }), {}),
      'E_REPLICA',
      false,
    );
  },
  async 'replica restarted'(soak) {
    const options = settings(soak, { fault: 'exit', call: someCall(soak) });
    requireUndisturbed(await settle(soak, { ...options, onReplicaFailure: 'restart' }, {}));
  },
  async isolated(soak) {
    requireUndisturbed(await settle(soak, settings(soak), { isolate: true }));
  },
  async 'process restarted'(soak) {
    const options = settings(soak, { fault: 'kill', call: someCall(soak) });
    requireUndisturbed(await settle(soak, { ...options, onReplicaFailure: 'restart' }, { isolate: true }));
  },
  async 'isolated, closed'(soak) {
    await requireCode(
      settle(soak, settings(soak), { isolate: true }, run => void run.close()),
      'E_ABORTED',
      true,
    );
  },
};

/** Does one, and leaves the folder empty. @throws what it came to, if that is not what it must come to */
export async function doEpisode(name: string, soak: SoakContext): Promise<void> {
  try {
    await episodes[name](soak);
  } finally {
    for (const left of ['run', 'other', 'struck'])
      await rm(join(soak.folder, left), { recursive: true, force: true });
  }
}
