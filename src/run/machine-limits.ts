/** What a container, a service manager or a job scheduler leaves of the machine to this process. */
import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, join } from 'node:path';

export interface MachineLimits {
  /** Cores that the process may be scheduled on. */
  readonly cores: number;
  /** Cores' worth of time that its control group may use, where that is less. */
  readonly coreQuota?: number;
  readonly memoryBytes: number;
  /** What its control group may use, where that is less. */
  readonly memoryLimitBytes?: number;
}

/** @param root of the file system; tests have their own */
export function machineLimits(root = '/'): MachineLimits {
  const cores = availableParallelism();
  const memoryBytes = totalmem();
  const quota = coreQuota(root);
  // Without a limit the kernel names a number that no machine has.
  const limit = process.constrainedMemory();
  return {
    cores,
    ...(quota < cores ? { coreQuota: quota } : {}),
    memoryBytes,
    ...(limit > 0 && limit < memoryBytes ? { memoryLimitBytes: limit } : {}),
  };
}

/** The least quota of the process's control group and those around it; Infinity without one. */
function coreQuota(root: string): number {
  const groups = textOf(join(root, 'proc/self/cgroup')).trim().split('\n');
  const quotas = groups.flatMap(line => {
    const [, controllers = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const mount = join(root, 'sys/fs/cgroup');
    if (controllers === '') return pathUp(path).map(folder => unifiedQuota(join(mount, folder)));
    if (!controllers.split(',').includes('cpu')) return [];
    return pathUp(path).flatMap(folder =>
      ['cpu', controllers].map(name => quotaOf(join(mount, name, folder))),
    );
  });
  return Math.min(Number.POSITIVE_INFINITY, ...quotas);
}

/** A folder and all above it, up to the root: in a container the inner ones may not be mounted. */
function pathUp(path: string): string[] {
  const above = dirname(path);
  return above === path ? [path] : [path, ...pathUp(above)];
}

/** Version 2: `cpu.max` holds quota and period, or `max`. */
function unifiedQuota(folder: string): number {
  const [quota, period] = textOf(join(folder, 'cpu.max')).trim().split(' ').map(Number);
  return quota > 0 && period > 0 ? quota / period : Number.POSITIVE_INFINITY;
}

/** Version 1: a file for each, and a quota of −1 where there is none. */
function quotaOf(folder: string): number {
  const [quota, period] = ['cpu.cfs_quota_us', 'cpu.cfs_period_us'].map(name =>
    Number(textOf(join(folder, name))),
  );
  return quota > 0 && period > 0 ? quota / period : Number.POSITIVE_INFINITY;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Another system, or a group that is not mounted here: no limit is known.
    return '';
  }
}
