/** What a bug report needs to know of the machine and the versions. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, cpus, platform, release } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readBuildStamp } from '../engine/torch/build-stamp.js';
import { packageRoot } from '../package-root.js';
import { type MachineLimits, machineLimits } from './machine-limits.js';

const require = createRequire(import.meta.url);

function versionOf(name: string): string | undefined {
  try {
    const main = require.resolve(name);
    const folder = main.slice(0, main.lastIndexOf(join('node_modules', name)));
    return JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')).version;
  } catch {
    // Optional, or laid out in a way of its own: then its version is not told.
    return undefined;
  }
}

export function ownVersion(): string {
  return JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')).version;
}

async function gitCommit(): Promise<string | undefined> {
  try {
    return (await promisify(execFile)('git', ['rev-parse', 'HEAD'])).stdout.trim();
  } catch {
    // Not in a checkout, or no git.
    return undefined;
  }
}

export interface Environment extends MachineLimits {
  readonly gradring: string;
  readonly node: string;
  readonly platform: string;
  readonly processor: string;
  readonly packages: Readonly<Record<string, string | undefined>>;
  /** What the addon of the torch engine was compiled for, if it was. */
  readonly libTorch?: {
    readonly version: string;
    readonly cuda: string | null;
    readonly onednn: string | null;
  };
  /** Threads that sharp decodes on, as the process was started; libuv's default is 4. */
  readonly uvThreadpoolSize?: string;
  readonly gitCommit?: string;
}

export async function environment(): Promise<Environment> {
  const stamp = readBuildStamp();
  const packages = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers', 'sharp', 'piscina'];
  return {
    gradring: ownVersion(),
    node: process.version,
    platform: `${platform()} ${release()} ${arch()}`,
    processor: cpus()[0]?.model ?? 'unknown',
    ...machineLimits(),
    packages: Object.fromEntries(packages.map(name => [name, versionOf(name)])),
    libTorch: stamp && { version: stamp.version, cuda: stamp.cuda, onednn: stamp.onednn },
    uvThreadpoolSize: process.env.UV_THREADPOOL_SIZE,
    gitCommit: await gitCommit(),
  };
}
