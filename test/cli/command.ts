import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs `node scripts/train.js` as a user would.
 *
 * @param onError sees what was written to stderr so far, and the process
 */
export function trainCommand(
  args: readonly string[],
  onError?: (stderr: string, kill: (signal: NodeJS.Signals) => void) => void,
): Promise<Ended> {
  const child = spawn(process.execPath, [join(packageRoot(), 'scripts', 'train.js'), ...args], {
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', chunk => {
    stdout += chunk;
  });
  child.stderr.on('data', chunk => {
    stderr += chunk;
    onError?.(stderr, signal => child.kill(signal));
  });
  return new Promise(resolve => child.once('close', code => resolve({ code, stdout, stderr })));
}
