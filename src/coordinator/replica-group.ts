/**
 * All replicas of a run as one: every command goes to each of them, and is done when all have answered. If one
 * fails, dies or does not answer in time, the ring is aborted for all and the first cause is thrown.
 */
import { ControlBlock } from '../allreduce/control-block.js';
import { AbortedError, GradringError, ReplicaError, RingAbortedError, StallError } from '../errors.js';
import type {
  Command,
  CommandOf,
  ReadyReport,
  ReplicaSettings,
  Results,
  Share,
} from '../protocol/messages.js';
import { ReplicaHandle } from './replica-handle.js';

export interface GroupOptions {
  readonly devices: readonly string[];
  readonly settings: Omit<ReplicaSettings, 'rank' | 'replicas' | 'device' | 'control'>;
  /** Longest start of a replica (engine, recipe, model), in ms. */
  readonly startTimeoutMs: number;
  readonly onOutput: (replica: number, text: string) => void;
}

/** How long replicas may take to notice an abort, or to close, before their threads are terminated. */
const graceMs = 2000;

/** Node's timers count in 31 bits. */
const longestTimerMs = 2 ** 31 - 1;

export class ReplicaGroup {
  readonly control: ControlBlock;
  readonly #replicas: readonly ReplicaHandle[];
  readonly #options: GroupOptions;
  #failure?: GradringError;
  #closing?: Promise<void>;
  /** Commands in progress, to be told of a failure. A promise that all of them race against would keep them all. */
  readonly #onFailure = new Set<() => void>();

  constructor(options: GroupOptions) {
    const { devices, settings, onOutput } = options;
    this.#options = options;
    this.control = new ControlBlock(devices.length);
    const replicas: ReplicaHandle[] = [];
    try {
      for (const [rank, device] of devices.entries()) {
        const own = { ...settings, rank, replicas: devices.length, device, control: this.control.buffer };
        replicas.push(new ReplicaHandle(own, onOutput));
      }
    } catch (cause) {
      for (const replica of replicas) void replica.terminate();
      const rank = replicas.length;
      throw new ReplicaError(`the thread of replica ${rank} (${devices[rank]}) cannot be started`, {
        replica: rank,
        phase: 'start',
        hint: 'use fewer devices, or raise the limit on threads',
        cause,
      });
    }
    this.#replicas = replicas;
  }

  get size(): number {
    return this.#replicas.length;
  }

  ready(): Promise<ReadyReport[]> {
    return this.#together(replica => replica.ready(), this.#options.startTimeoutMs);
  }

  /** Hands shared memory to every replica, ahead of the next command. */
  share(share: Share): void {
    for (const replica of this.#replicas) replica.share(share);
  }

  /** Hands shared memory to one replica alone. */
  shareWithOne(rank: number, share: Share): void {
    this.#replicas[rank].share(share);
  }

  /** Sends each replica its command and collects the answers in rank order. */
  request<Op extends Command['op']>(command: (rank: number) => CommandOf<Op>): Promise<Results[Op][]> {
    return this.#together(
      replica => replica.request<Op>(command(replica.rank)),
      this.#options.settings.stallTimeoutMs,
    );
  }

  /** Asks one replica alone. */
  async requestOne<Op extends Command['op']>(rank: number, command: CommandOf<Op>): Promise<Results[Op]> {
    const [result] = await this.#together(
      replica => replica.request<Op>(command),
      this.#options.settings.stallTimeoutMs,
      [this.#replicas[rank]],
    );
    return result;
  }

  /** Ends every thread, orderly if it can be had within the grace period. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Ends whatever is in progress: the waiting command rejects with an AbortedError. */
  abort(reason?: unknown): void {
    this.#fail(new AbortedError('the run was aborted', { cause: reason }));
  }

  async #together<T>(
    ask: (replica: ReplicaHandle) => Promise<T>,
    timeoutMs: number,
    replicas = this.#replicas,
  ): Promise<T[]> {
    if (this.#failure) throw this.#failure;
    const missing = new Set(replicas);
    const answers = replicas.map(async replica => {
      try {
        return await ask(replica);
      } catch (error) {
        this.#fail(this.#blame(replica, error));
        throw error;
      } finally {
        missing.delete(replica);
      }
    });
    const stall = setTimeout(
      () => this.#fail(this.#stalled([...missing], timeoutMs)),
      Math.min(timeoutMs, longestTimerMs),
    );
    const settled = Promise.allSettled(answers);
    let end = (): void => {};
    const ended = new Promise<void>(resolve => {
      end = resolve;
    });
    this.#onFailure.add(end);
    void settled.then(end);
    try {
      await ended;
      // After a failure the others are freed by the abort: give them the time to say so.
      if (this.#failure) await within(settled, graceMs);
    } finally {
      clearTimeout(stall);
      this.#onFailure.delete(end);
    }
    if (this.#failure) throw this.#failure;
    return Promise.all(answers);
  }

  /** The first failure stands; a replica that was merely freed by an abort never hides its cause. */
  #fail(error: GradringError): void {
    const secondary = this.#failure && !(this.#failure.cause instanceof RingAbortedError);
    if (!secondary) this.#failure = error;
    this.control.abort();
    for (const end of this.#onFailure) end();
  }

  #blame(replica: ReplicaHandle, error: unknown): GradringError {
    const { rank } = replica;
    const { phase, step } = this.control.status(rank);
    const cause = error instanceof Error ? error : new Error(String(error));
    if (phase === 'start' && cause instanceof GradringError && !(cause instanceof ReplicaError)) return cause;
    const at = phase === 'start' ? 'while starting' : `in phase '${phase}' at step ${step}`;
    const details = { replica: rank, phase, step, cause, ...hintOf(cause) };
    if (cause instanceof StallError)
      return new StallError(cause.message, { ...details, replica: cause.replica });
    return new ReplicaError(`replica ${rank} (${replica.device}) failed ${at}: ${cause.message}`, details);
  }

  #stalled(missing: readonly ReplicaHandle[], timeoutMs: number): StallError {
    const states = missing.map(({ rank, device }) => {
      const { phase, step } = this.control.status(rank);
      return { rank, phase, step, text: `replica ${rank} (${device}) in phase '${phase}' at step ${step}` };
    });
    // Those that wait in the all-reduce wait for another one: name the others first.
    const culprit = states.find(({ phase }) => phase !== 'all-reduce') ?? states[0];
    const waiting = states.filter(state => state !== culprit).map(({ text }) => text);
    const also = waiting.length > 0 ? ` (waiting with it: ${waiting.join('; ')})` : '';
    return new StallError(`no answer for ${timeoutMs / 1000} s from ${culprit.text}${also}`, {
      replica: culprit.rank,
      phase: culprit.phase,
      step: culprit.step,
      hint: 'look at what that replica does there, or raise the stall timeout',
    });
  }

  async #close(): Promise<void> {
    const threads = Promise.all(this.#replicas.map(replica => replica.exited));
    if (!this.#failure) {
      const farewells = this.#replicas.map(replica => replica.request<'close'>({ op: 'close' }));
      await within(Promise.allSettled(farewells), graceMs);
      await within(threads, graceMs);
    }
    this.#failure ??= new ReplicaError('the replicas are closed');
    this.control.abort();
    await Promise.all(this.#replicas.map(replica => replica.terminate()));
    await threads;
  }
}

const hintOf = (error: Error): { hint?: string; where?: string } =>
  error instanceof GradringError ? { hint: error.hint, where: error.where } : {};

/** Waits for `promise`, but no longer than `milliseconds`. */
async function within(promise: Promise<unknown>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>(resolve => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([promise, timeout]);
  clearTimeout(timer);
}
