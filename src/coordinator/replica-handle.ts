/**
 * The coordinator's end of one replica thread. Commands are answered one for one and in order; whatever ends
 * the thread rejects every answer still awaited.
 */
import { Worker } from 'node:worker_threads';
import { errorFromWire, type GradringError, OutOfMemoryError, ReplicaError } from '../errors.js';
import { decodeReply, encode } from '../protocol/codec.js';
import type {
  Command,
  CommandOf,
  Greeting,
  ReadyReport,
  ReplicaSettings,
  Reply,
  Results,
  Share,
} from '../protocol/messages.js';
import { threadUrl } from '../thread-url.js';
import { within } from './within.js';

/** A thread that is still there so long after it was terminated is in native code. */
const mostMsToEnd = 3000;

interface Waiting {
  resolve(bytes: Uint8Array): void;
  reject(error: Error): void;
}

export class ReplicaHandle {
  /** Its place in the group it is part of. */
  rank: number;
  readonly device: string;
  /** URL of its recipe's module. */
  readonly recipe: string;
  /** Fulfilled when the thread is gone, however it went. */
  readonly exited: Promise<void>;
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  #ended?: Error;

  /** @param onOutput gets what the recipe prints: the process's own streams are not ours to write to */
  constructor(settings: ReplicaSettings, onOutput: (replica: number, text: string) => void) {
    this.rank = settings.rank;
    this.device = settings.device;
    this.recipe = settings.recipe.url;
    this.#worker = new Worker(threadUrl('../worker/replica-thread', import.meta.url), {
      workerData: settings,
      name: `gradring-replica-${settings.rank}`,
      stdout: true,
      stderr: true,
    });
    for (const stream of [this.#worker.stdout, this.#worker.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => onOutput(this.rank, text));
    }
    this.#worker.on('message', (bytes: Uint8Array) => this.#waiting.shift()?.resolve(bytes));
    this.#worker.on('messageerror', error => this.#end(error));
    this.#worker.on('error', thrown => this.#end(uncaught(thrown)));
    this.exited = new Promise(resolve => {
      this.#worker.once('exit', code => {
        this.#end(exited(code));
        resolve();
      });
    });
  }

  /** The replica's first message. */
  async ready(): Promise<ReadyReport> {
    const greeting = decodeReply<Greeting>(await this.#next());
    if (!greeting.ok) throw errorFromWire(greeting.error);
    return greeting.ready;
  }

  share(share: Share): void {
    this.#worker.postMessage(share);
  }

  async request<Op extends Command['op']>(command: CommandOf<Op>): Promise<Results[Op]> {
    const bytes = encode(command);
    const answer = this.#next();
    this.#worker.postMessage(bytes, [bytes.buffer]);
    const reply = decodeReply<Reply>(await answer);
    if (!reply.ok) throw errorFromWire(reply.error);
    return reply.result as Results[Op];
  }

  /**
   * Ends the thread whatever it does, but for native code that does not return.
   *
   * @returns whether it is gone
   */
  async terminate(): Promise<boolean> {
    if (await within(this.#worker.terminate(), mostMsToEnd)) return true;
    this.#worker.unref();
    return false;
  }

  #next(): Promise<Uint8Array> {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
  }
}

/** What nothing in the thread caught: it ends it. */
function uncaught(thrown: unknown): GradringError {
  const cause = thrown instanceof Error ? thrown : new Error(String(thrown));
  if ((cause as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY')
    return new OutOfMemoryError('the JavaScript heap of its thread is full', {
      hint: 'see what the recipe keeps from step to step; node --max-old-space-size=MEBIBYTES raises the limit',
      cause,
    });
  return new ReplicaError(cause.message, {
    hint: 'a timer or a promise of the recipe threw where nobody waits for it: await it, or catch what it throws',
    cause,
  });
}

/** Node.js ends a thread by itself where its module awaits what nothing is left to settle. */
function exited(code: number): ReplicaError {
  return new ReplicaError(`its thread exited with code ${code}`, {
    hint: 'the recipe, or what it imports, calls process.exit(), or awaits what never comes',
  });
}
