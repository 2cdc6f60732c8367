/** The host's end of an isolated run's process. */
import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { errorFromWire } from '../../errors.js';
import { threadUrl } from '../../thread-url.js';
import type { TrainSummary } from '../summary.js';
import type { FromProcess, RunRequest, ToProcess } from './messages.js';

/** A process that ended without saying how its run went. */
export interface Crash {
  /** Its exit code; null where a signal ended it, or it could not be started. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what it wrote. */
  readonly lastWords: string;
  /** Why it could not be started. */
  readonly cause?: Error;
}

/** How the run in the process went: well, with an error of its own, or nobody knows. */
export type Outcome =
  | { readonly summary: TrainSummary }
  | { readonly error: Error }
  | { readonly crash: Crash };

export interface ProcessListener {
  /** Gets what the process tells while the run goes on. */
  readonly onMessage: (message: Exclude<FromProcess, { type: 'end' | 'failed' }>) => void;
  /** Gets what the process itself writes to its standard streams, as native code does. */
  readonly onOutput: (text: string) => void;
}

/** How long a process that was told to end at once, or whose run is over, may take to be gone, in ms. */
const patienceMs = 3000;
/** Characters of its last words. */
const longestWords = 2000;

export class RunProcess {
  /** Fulfilled when the process is gone. */
  readonly outcome: Promise<Outcome>;
  readonly #child: ChildProcess;
  readonly #listener: ProcessListener;
  #told?: Outcome;
  #lastWords = '';
  #cause?: Error;
  #killer?: NodeJS.Timeout;

  constructor(request: RunRequest, listener: ProcessListener) {
    this.#listener = listener;
    this.#child = fork(fileURLToPath(threadUrl('./child', import.meta.url)), [], {
      execArgv: [],
      env: ownEnvironment(),
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => this.#heard(text));
    this.#child.on('message', message => this.#receive(message as FromProcess));
    this.#child.on('error', error => {
      this.#cause ??= error;
    });
    this.outcome = this.#gone();
    this.#send({ type: 'run', request });
  }

  /** Ends the run after the step under way. */
  stop(reason: unknown): void {
    this.#send({ type: 'stop', reason: typeof reason === 'string' ? reason : undefined });
  }

  /** Ends the run at once, and the process with it. */
  abort(): void {
    this.#send({ type: 'abort' });
    this.#killAfterPatience();
  }

  async #gone(): Promise<Outcome> {
    const child = this.#child;
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>(resolve => {
      // After `close` no message is under way any more; a process that never was has only its `error`.
      child.once('close', (code, signal) => resolve([code, signal]));
      child.once('error', () => {
        if (child.pid === undefined) resolve([null, null]);
      });
    });
    clearTimeout(this.#killer);
    return this.#told ?? { crash: { code, signal, lastWords: this.#lastWords.trim(), cause: this.#cause } };
  }

  #receive(message: FromProcess): void {
    if (message.type === 'end') this.#told = { summary: message.summary };
    else if (message.type === 'failed') this.#told = { error: errorFromWire(message.error) };
    else this.#listener.onMessage(message);
    if (this.#told) this.#killAfterPatience();
  }

  #heard(text: string): void {
    this.#lastWords = (this.#lastWords + text).slice(-longestWords);
    this.#listener.onOutput(text);
  }

  #killAfterPatience(): void {
    this.#killer ??= setTimeout(() => this.#child.kill('SIGKILL'), patienceMs);
  }

  /** A process that is gone hears nothing: that it is gone is told by its outcome. */
  #send(message: ToProcess): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }
}

/** What only the owner of a process can set, and what is then set for it as the command does. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const threads = String(Math.max(4, availableParallelism()));
  return { UV_THREADPOOL_SIZE: threads, OMP_WAIT_POLICY: 'passive', ...process.env };
}
