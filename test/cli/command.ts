import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Sees what was written to stderr so far, and may end the process. */
type OnError = (stderr: string, kill: (signal: NodeJS.Signals) => void) => void;

/** Runs `node scripts/train.js` as a user would. */
export const trainCommand = (args: readonly string[], onError?: OnError): Promise<Ended> =>
  runScript('train.js', args, onError);

/** Runs a script of scripts/ as a user would. */
export function runScript(script: string, args: readonly string[], onError?: OnError): Promise<Ended> {
  const child = spawn(process.execPath, [join(packageRoot(), 'scripts', script), ...args], {
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
