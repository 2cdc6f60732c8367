/** How a run whose process crashed can go on. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { listCheckpoints } from '../../checkpoint/read-files.js';
import { parseGpuSpec } from '../../engine/gpu-spec.js';
import type { FailurePolicy } from '../../protocol/failure-policy.js';
import type { TrainOptions } from '../config.js';

/** What the host knows of a process that is gone. */
export interface Witnessed {
  /** When it was started, in ms since 1970. */
  readonly since: number;
  /** Of the run, once it was made. */
  readonly folder?: string;
  /** As the run was asked for, such as `cpu:3`. */
  readonly gpus: string | number;
  /** Of the replicas, once they were open. */
  readonly devices?: readonly string[];
}

/**
 * The options that go on with a run: from the newest checkpoint that it made, else from where it began.
 *
 * @param options of the process that crashed
 * @returns undefined where the policy forbids it, or there is no device to do without
 */
export async function optionsAfterCrash(
  options: TrainOptions,
  { since, folder, gpus, devices }: Witnessed,
  policy: FailurePolicy,
): Promise<TrainOptions | undefined> {
  if (policy === 'fail') return undefined;
  const left = policy === 'shrink' ? oneDeviceFewer(String(gpus), devices) : gpus;
  if (left === undefined) return undefined;
  if (folder === undefined) return { ...options, gpus: left };
  const saved = await listCheckpoints(join(folder, 'checkpoints'));
  if (options.resume !== undefined) {
    // Those of before may be later ones than the one that was named.
    const isNew = saved.some(({ info }) => Date.parse(info.created) >= since);
    return { ...options, resume: isNew ? folder : options.resume, gpus: left };
  }
  if (saved.length > 0) return { resume: folder, gpus: left };
  // All that stands in it is of the process that crashed: a run is given no folder that holds anything.
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
  return { ...options, out: folder, gpus: left };
}

/**
 * The same devices but for the last: which of them was at fault nobody knows.
 *
 * @param gpus as `--gpus` has it
 * @param devices of the replicas, such as `cuda:0`
 * @returns undefined where there is only one
 */
export function oneDeviceFewer(gpus: string, devices?: readonly string[]): string | undefined {
  const spec = parseGpuSpec(gpus, { allowSharedDevice: true });
  if (spec.kind === 'list')
    return spec.indices.length > 1 ? `${spec.indices.slice(0, -1).join(',')},` : undefined;
  const count = spec.kind === 'all' ? (devices?.length ?? 1) : spec.count;
  if (count < 2) return undefined;
  return spec.kind === 'cpu' ? `cpu:${count - 1}` : String(count - 1);
}
