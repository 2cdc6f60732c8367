/** What a bug report needs to know of the machine and the versions. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../package-root.js';

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

export interface Environment {
  readonly gradring: string;
  readonly node: string;
  readonly platform: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly packages: Readonly<Record<string, string | undefined>>;
  readonly gitCommit?: string;
}

export async function environment(): Promise<Environment> {
  const packages = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers', 'sharp', 'piscina'];
  return {
    gradring: ownVersion(),
    node: process.version,
    platform: `${platform()} ${release()} ${arch()}`,
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    packages: Object.fromEntries(packages.map(name => [name, versionOf(name)])),
    gitCommit: await gitCommit(),
  };
}
