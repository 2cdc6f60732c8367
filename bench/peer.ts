/** Peers: Python scripts of `bench/peers/`, each in a process group of its own, so that none of it outlives us. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ConfigError, type GradringError } from '../src/errors.js';
import { packageRoot } from '../src/package-root.js';

export interface PeerOptions {
  /** The Python that has the peer's packages. */
  readonly python: string;
  readonly signal: AbortSignal;
}

/** Enough of a traceback to see what was wrong. */
const errorLines = 12;

/**
 * Runs `bench/peers/<script>` with Python; it prints one JSON value as its last line.
 *
 * @throws ConfigError when this Python cannot be started or lacks a package
 */
export async function runPeer(
  script: string,
  args: readonly string[],
  { python, signal }: PeerOptions,
): Promise<unknown> {
  signal.throwIfAborted();
  const file = join(packageRoot(), 'bench', 'peers', script);
  const child = spawn(python, [file, ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    // The scripts import each other; what Python compiles of them is not worth a folder in the sources.
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  });
  // A negative id names the group: the processes that the peer started itself end with it.
  const kill = (): void => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  };
  signal.addEventListener('abort', kill, { once: true });
  // Also where the process ends without an abort, such as a second Ctrl-C.
  process.once('exit', kill);
  try {
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', text => (output += text));
    child.stderr.setEncoding('utf8').on('data', text => (errors += text));
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    signal.throwIfAborted();
    if (code !== 0) throw failure(`${python} ${script} ended with code ${code}`, errors);
    return JSON.parse(output.trim().split('\n').at(-1) ?? 'null');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new ConfigError(`there is no ${python}`, { where: '--python', hint: 'name a Python 3', cause });
  } finally {
    signal.removeEventListener('abort', kill);
    process.off('exit', kill);
  }
}

function failure(what: string, errors: string): GradringError {
  const missing = /ModuleNotFoundError: No module named '(\w+)'/.exec(errors)?.[1];
  const tail = errors.trim().split('\n').slice(-errorLines).join('\n');
  return new ConfigError(missing ? `${what}: it has no ${missing}` : `${what}:\n${tail}`, {
    where: '--peer',
    hint: missing ? `name a Python that has ${missing} with --python` : 'see what it printed above',
  });
}
