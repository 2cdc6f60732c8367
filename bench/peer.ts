/** Peers: Python scripts of `bench/peers/`, each in a process group of its own, so that none of it outlives us. */
import { type ChildProcess, spawn } from 'node:child_process';
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
  options: PeerOptions,
): Promise<unknown> {
  const peer = new PeerProcess(script, args, options);
  peer.child.stdin?.end();
  let output = '';
  peer.child.stdout?.setEncoding('utf8').on('data', text => (output += text));
  await peer.ended;
  return JSON.parse(output.trim().split('\n').at(-1) ?? 'null');
}

/** A script under way. The abort of the signal and the end of this process kill it, and all that it started. */
export class PeerProcess {
  readonly child: ChildProcess;
  /**
   * Fulfilled once it has ended well.
   *
   * @throws ConfigError when this Python cannot be started, lacks a package, or the script failed
   */
  readonly ended: Promise<void>;
  #errors = '';

  constructor(script: string, args: readonly string[], { python, signal }: PeerOptions) {
    signal.throwIfAborted();
    const file = join(packageRoot(), 'bench', 'peers', script);
    this.child = spawn(python, [file, ...args], {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      // The scripts import each other; what Python compiles of them is not worth a folder in the sources.
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    });
    this.child.stderr?.setEncoding('utf8').on('data', text => (this.#errors += text));
    // Writing to a peer that is gone: its end tells more.
    this.child.stdin?.on('error', () => undefined);
    signal.addEventListener('abort', this.kill, { once: true });
    // Also where the process ends without an abort, such as a second Ctrl-C.
    process.once('exit', this.kill);
    this.ended = this.#watch(`${python} ${script}`, signal).finally(() => {
      signal.removeEventListener('abort', this.kill);
      process.off('exit', this.kill);
    });
  }

  /** A negative id names the group: the processes that the peer started itself end with it. */
  readonly kill = (): void => {
    const { pid, exitCode, signalCode } = this.child;
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGKILL');
  };

  async #watch(command: string, signal: AbortSignal): Promise<void> {
    try {
      const code = await new Promise<number | null>((resolve, reject) => {
        this.child.once('error', reject);
        this.child.once('close', resolve);
      });
      signal.throwIfAborted();
      if (code !== 0) throw failure(`${command} ended with code ${code}`, this.#errors);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
      const python = command.slice(0, command.lastIndexOf(' '));
      throw new ConfigError(`there is no ${python}`, { where: '--python', hint: 'name a Python 3', cause });
    }
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
