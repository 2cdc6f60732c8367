/**
 * Replicas that train together, as one: every command goes to each of them, and is done when all have answered. If one
 * fails, dies or does not answer in time, the all-reduce is ended for all, and the group is at its end: `casualties`
 * and `survivors` say who may be part of the next one (supervisor.ts).
 */
import type { ControlBlock } from '../allreduce/control-block.js';
import { AbortedError, type GradringError, ReplicaError } from '../errors.js';
import type { Command, CommandOf, ReadyReport, Results, Share } from '../protocol/messages.js';
import type { RunWarning } from '../protocol/warning.js';
import { type Answer, blame, type Casualty, culprits, doing, stalled, wasFreed } from './replica-failures.js';
import type { ReplicaHandle } from './replica-handle.js';
import { within } from './within.js';

export interface GroupOptions {
  /** Longest start of a replica (engine, recipe, model), in ms. */
  readonly startTimeoutMs: number;
  /** Longest wait for an answer, in ms. */
  readonly stallTimeoutMs: number;
  /** Longest wait for an answer before a warning says whom it is for, in ms. */
  readonly stallWarningMs: number;
  readonly onWarning: (warning: RunWarning) => void;
}

/** How long replicas may take to notice an abort, or to close, before their threads are terminated. */
const graceMs = 2000;

/** Node's timers count in 31 bits. */
const longestTimerMs = 2 ** 31 - 1;

export class ReplicaGroup {
  readonly control: ControlBlock;
  /** In rank order. */
  readonly replicas: readonly ReplicaHandle[];
  readonly #options: GroupOptions;
  readonly #casualties = new Map<ReplicaHandle, GradringError>();
  #failure?: GradringError;
  #isEnded = false;
  #closing?: Promise<void>;
  /** Commands in progress, to be told of the end. A promise that all of them race against would keep them all. */
  readonly #onEnd = new Set<() => void>();

  /** @param replicas in rank order; their `rank` is set to that */
  constructor(replicas: readonly ReplicaHandle[], control: ControlBlock, options: GroupOptions) {
    this.#options = options;
    this.control = control;
    this.replicas = replicas;
    replicas.forEach((replica, rank) => {
      replica.rank = rank;
    });
  }

  get size(): number {
    return this.replicas.length;
  }

  /** What ended the group, if anything did. */
  get failure(): GradringError | undefined {
    return this.#failure;
  }

  /** Whether it was the caller who ended it, by `abort` or `close`. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** The replicas that failed. */
  get casualties(): readonly Casualty[] {
    return [...this.#casualties].map(([replica, error]) => ({ replica, error }));
  }

  get survivors(): readonly ReplicaHandle[] {
    return this.replicas.filter(replica => !this.#casualties.has(replica));
  }

  /** The first message of each of these replicas. */
  askReady(replicas: readonly ReplicaHandle[]): Promise<Answer<ReadyReport>[]> {
    return this.#ask(replica => replica.ready(), this.#options.startTimeoutMs, replicas);
  }

  /** Hands shared memory to every replica, ahead of the next command. */
  share(share: Share): void {
    for (const replica of this.replicas) replica.share(share);
  }

  /** Hands shared memory to one replica alone. */
  shareWithOne(rank: number, share: Share): void {
    this.replicas[rank].share(share);
  }

  /** Sends each replica its command and collects the answers in rank order. @throws the failure */
  async request<Op extends Command['op']>(
    command: (rank: number) => CommandOf<Op>,
    replicas = this.replicas,
  ): Promise<Results[Op][]> {
    return this.#results(await this.ask(command, replicas));
  }

  /** Asks one replica alone. @throws the failure */
  async requestOne<Op extends Command['op']>(rank: number, command: CommandOf<Op>): Promise<Results[Op]> {
    const [result] = await this.request<Op>(() => command, [this.replicas[rank]]);
    return result;
  }

  /** As `request`, but gives the answers of those who did well also when others failed. */
  ask<Op extends Command['op']>(
    command: (rank: number) => CommandOf<Op>,
    replicas = this.replicas,
  ): Promise<Answer<Results[Op]>[]> {
    return this.#ask(
      replica => replica.request<Op>(command(replica.rank)),
      this.#options.stallTimeoutMs,
      replicas,
    );
  }

  /** Ends every thread, orderly if it can be had within the grace period. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Ends whatever is in progress: the waiting command rejects with an AbortedError. */
  abort(reason?: unknown): void {
    this.#end(new AbortedError('the run was aborted', { cause: reason }));
  }

  #results<T>(answers: readonly Answer<T>[]): T[] {
    if (this.#failure) throw this.#failure;
    return answers.map(answer => (answer as Extract<Answer<T>, { ok: true }>).result);
  }

  async #ask<T>(
    ask: (replica: ReplicaHandle) => Promise<T>,
    timeoutMs: number,
    replicas: readonly ReplicaHandle[],
  ): Promise<Answer<T>[]> {
    if (this.#failure) throw this.#failure;
    const missing = new Set(replicas);
    const answers = replicas.map(async (replica): Promise<Answer<T>> => {
      try {
        return { ok: true, result: await ask(replica) };
      } catch (thrown) {
        const error = blame(replica, this.control, thrown);
        // Nothing is wrong with one that only waited for another.
        if (!wasFreed(thrown)) this.#fail(replica, error);
        return { ok: false, error };
      } finally {
        missing.delete(replica);
      }
    });
    await this.#settled(Promise.all(answers), missing, timeoutMs);
    if (this.#isEnded && this.#failure) throw this.#failure;
    // Whoever has still not answered is a casualty, and answers no more.
    const given = await Promise.all(
      answers.map((answer, at): Promise<Answer<T>> | Answer<T> => {
        const error = this.#casualties.get(replicas[at]);
        return missing.has(replicas[at]) && error ? { ok: false, error } : answer;
      }),
    );
    const odd = given.find(answer => !answer.ok);
    if (odd && !odd.ok) this.#failure ??= odd.error;
    return given;
  }

  /** Waits until all have answered, or the bound is over and those who were freed by that have had their time. */
  async #settled(
    settled: Promise<unknown>,
    missing: ReadonlySet<ReplicaHandle>,
    timeoutMs: number,
  ): Promise<void> {
    const timers = [
      setTimeout(() => this.#warn([...missing]), Math.min(this.#options.stallWarningMs, longestTimerMs)),
    ];
    let end = (): void => {};
    const ended = new Promise<void>(resolve => {
      end = resolve;
    });
    this.#onEnd.add(end);
    timers.push(setTimeout(end, Math.min(timeoutMs, longestTimerMs)));
    void settled.then(end);
    try {
      await ended;
      const late = [...missing];
      if (late.length === 0) return;
      // Those who only wait for another one are freed by this, and given a moment to say so.
      this.control.abort();
      await within(settled, graceMs);
      if (!this.#isEnded) this.#blameLate(late, missing, timeoutMs);
    } finally {
      for (const timer of timers) clearTimeout(timer);
      this.#onEnd.delete(end);
    }
  }

  /** @param missing those of the late ones who have still not answered */
  #blameLate(late: readonly ReplicaHandle[], missing: ReadonlySet<ReplicaHandle>, timeoutMs: number): void {
    for (const replica of missing) {
      if (this.#casualties.has(replica)) continue;
      const others = late.filter(other => other !== replica);
      this.#fail(replica, stalled([replica, ...others], this.control, timeoutMs));
    }
    // All came at last, but too late for the step.
    this.#failure ??= stalled(late, this.control, timeoutMs);
  }

  #warn(missing: readonly ReplicaHandle[]): void {
    const [culprit] = culprits(missing, this.control);
    if (!culprit) return;
    const { phase, step } = this.control.status(culprit.rank);
    this.#options.onWarning({
      code: 'W_STALL',
      message: `no answer for ${this.#options.stallWarningMs / 1000} s from ${doing(culprit, this.control)}`,
      hint: 'the run waits for it until the stall timeout',
      replica: culprit.rank,
      phase,
      step,
    });
  }

  /** The first failure stands, and frees all who wait for this replica. */
  #fail(replica: ReplicaHandle, error: GradringError): void {
    this.#casualties.set(replica, error);
    this.#failure ??= error;
    this.control.abort();
  }

  #end(error: GradringError): void {
    this.#isEnded = true;
    this.#failure = error;
    this.control.abort();
    for (const end of this.#onEnd) end();
  }

  async #close(): Promise<void> {
    const threads = Promise.all(this.replicas.map(replica => replica.exited));
    // Whoever waits for an answer is told that there will be none, not that threads are gone.
    const isBusy = this.#onEnd.size > 0;
    if (!this.#failure && !isBusy) {
      const farewells = this.replicas.map(replica => replica.request<'close'>({ op: 'close' }));
      await within(Promise.allSettled(farewells), graceMs);
      await within(threads, graceMs);
    }
    if (!this.#isEnded) this.#end(this.#failure ?? new ReplicaError('the replicas are closed'));
    await this.terminate(this.replicas);
  }

  /** Ends these threads, whatever they do; done when they are gone, or cannot be ended. */
  async terminate(replicas: readonly ReplicaHandle[]): Promise<void> {
    await Promise.all(replicas.map(replica => this.#terminate(replica)));
  }

  async #terminate(replica: ReplicaHandle): Promise<void> {
    if (await replica.terminate()) return;
    this.#options.onWarning({
      code: 'W_STUCK_THREAD',
      message: `the thread of ${doing(replica, this.control)} cannot be ended: it does not return from native code`,
      hint: 'it keeps its memory, and this process from ending by itself; an isolated run would be killed with its process',
      replica: replica.rank,
    });
  }
}
