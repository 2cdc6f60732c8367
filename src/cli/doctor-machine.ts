/** What the doctor says about the machine itself, and about this process on it. */
import { mkdtempSync, rmSync, statfsSync, statSync } from 'node:fs';
import { cpus, freemem, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { defaultPoolSize, libuvAdvice } from '../data/fill/decode-pool.js';
import { packageRoot } from '../package-root.js';
import type { Environment } from '../run/environment.js';
import { machineLimits } from '../run/machine-limits.js';
import type { Finding } from './doctor-findings.js';

/** A run of a large model with its checkpoints fills this soon. */
const leastFreeBytes = 2 ** 30;

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

export function machineFindings({ gradring, packages }: Environment): Finding[] {
  return [
    node(),
    { name: 'gradring', state: 'good', text: `${gradring}; ${versions(packages)}` },
    processor(),
    memory(),
    libuvThreads(),
    folderFinding('run folder', runsFolder(), 'start gradring elsewhere, or give --out'),
    folderFinding('temporary', tmpdir(), 'name another folder by TMPDIR'),
    clock(),
  ];
}

const versions = (packages: Environment['packages']): string =>
  Object.entries(packages)
    .map(([name, version]) => `${name} ${version ?? 'not found'}`)
    .join(', ');

function node(): Finding {
  const name = 'Node';
  const text = `${process.version} on ${process.platform} ${process.arch}`;
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 12)) return { name, state: 'good', text };
  return { name, state: 'bad', text, advice: 'Install Node 20.12 or later.' };
}

function processor(): Finding {
  const { cores, coreQuota } = machineLimits();
  const text = `${cpus()[0]?.model.trim() || 'unknown model'}, ${cores} cores usable`;
  if (coreQuota === undefined) return { name: 'processor', state: 'good', text };
  return {
    name: 'processor',
    state: 'good',
    text: `${text}, of which a limit leaves the time of ${coreQuota}`,
    advice: `Threads above that only wait for one another: --gpus cpu:N and --workers, together ${Math.max(1, Math.floor(coreQuota))}.`,
  };
}

function memory(): Finding {
  const { memoryBytes, memoryLimitBytes } = machineLimits();
  const text = `${gib(memoryBytes)}, ${gib(freemem())} free`;
  if (memoryLimitBytes === undefined) return { name: 'memory', state: 'good', text };
  return {
    name: 'memory',
    state: 'good',
    text: `${text}; a limit leaves this process ${gib(memoryLimitBytes)}`,
  };
}

/** The commands set it themselves; in a service it is the service's to set. */
function libuvThreads(): Finding {
  const setting = process.env.UV_THREADPOOL_SIZE;
  const advice = libuvAdvice(defaultPoolSize(), setting);
  const text = `UV_THREADPOOL_SIZE is ${setting ?? 'not set, which means 4'}`;
  return { name: 'libuv threads', state: advice === undefined ? 'good' : 'bad', text, advice };
}

/** Where runs go, or the nearest folder above that is there. */
function runsFolder(): string {
  const runs = resolve('runs');
  try {
    return statSync(runs).isDirectory() ? runs : resolve('.');
  } catch {
    return resolve('.');
  }
}

/** Tried, not asked: a read-only mount or a full disk denies what permissions allow. */
function folderFinding(name: string, path: string, advice: string): Finding {
  try {
    rmSync(mkdtempSync(join(path, '.gradring-doctor-')), { recursive: true });
  } catch (error) {
    return { name, state: 'bad', text: `${path} cannot be written: ${(error as Error).message}`, advice };
  }
  const { bavail, bsize } = statfsSync(path);
  const free = bavail * bsize;
  const text = `${path} can be written, ${gib(free)} free`;
  return free < leastFreeBytes ? { name, state: 'bad', text, advice } : { name, state: 'good', text };
}

/** Certificates of downloads, and the age of caches, go by it. */
function clock(): Finding {
  const now = new Date();
  const text = `${now.toISOString()}, ${Intl.DateTimeFormat().resolvedOptions().timeZone}`;
  const installed = statSync(join(packageRoot(), 'package.json')).mtime;
  if (now >= installed) return { name: 'clock', state: 'good', text };
  return {
    name: 'clock',
    state: 'bad',
    text: `${text}, before gradring was installed`,
    advice: 'Set it: downloads and caches go by it.',
  };
}
