/**
 * Has commands done by all replicas whatever becomes of one of them. Where some fail, the others make up the next
 * group: alone, or with new threads in the places of those lost, which take over the state of a live one. What a
 * command needs for that is told with it (`CommandKind`):
 *
 *   a batch          is taken back on all replicas and done again from its beginning
 *   an own change    (an optimizer step) is done by each replica for itself: where it succeeded it stands
 *   a question       is asked again
 */
import { ControlBlock } from '../allreduce/control-block.js';
import { AbortedError, type GradringError, ReplicaError } from '../errors.js';
import type { ReadyReport } from '../protocol/messages.js';
import type { RunWarning } from '../protocol/warning.js';
import type { CoordinatorOptions } from './coordinator-options.js';
import { joinGroup, requireSameModel } from './join-group.js';
import { type Answer, type Casualty, isWorthAnotherTry } from './replica-failures.js';
import { type GroupOptions, ReplicaGroup } from './replica-group.js';
import type { ReplicaHandle } from './replica-handle.js';
import { SharedWithReplicas } from './shared-with-replicas.js';
import { ReplicaStarter } from './start-replicas.js';

/** Has a command done by a group; its answers in rank order. */
export type Attempt<T> = (group: ReplicaGroup) => Promise<Answer<T>[]>;

export interface CommandKind {
  /** What it does to the batch in progress. Default: ends it. */
  readonly batch?: 'begins' | 'continues' | 'leaves';
  /** Where it succeeded it is not to be done again. Default false. */
  readonly isOwnChange?: boolean;
  /** Still answered by those left when a replica has failed and the run is to end. Default false. */
  readonly whenEnding?: boolean;
}

export class Supervisor {
  readonly #options: CoordinatorOptions;
  readonly #starter: ReplicaStarter;
  readonly #groupOptions: GroupOptions;
  readonly #reports = new Map<ReplicaHandle, ReadyReport>();
  /** Replicas that have the run's state. */
  #holders: ReadonlySet<ReplicaHandle> = new Set();
  #group: ReplicaGroup;
  #shared?: SharedWithReplicas;
  /** Of the batch in progress, to be done again by another group. */
  #log: Attempt<unknown>[] = [];
  #restarts = 0;
  /** Ends the run as soon as it wants another batch. */
  #ending?: GradringError;
  /** Whether that came in the middle of a batch, which was taken back: there is nothing to make a step of. */
  #isBatchLost = false;
  #stopped?: { readonly reason?: unknown };

  /** Starts a thread for every device. @throws ConfigError, AbortedError before anything is started */
  constructor(options: CoordinatorOptions) {
    const { devices, signal, stallTimeoutMs = 120_000, startTimeoutMs = 120_000 } = options;
    const { stallWarningMs = 15_000, onWarning = () => {} } = options;
    this.#options = options;
    this.#groupOptions = { stallTimeoutMs, startTimeoutMs, stallWarningMs, onWarning };
    this.#starter = new ReplicaStarter(options);
    if (signal?.aborted)
      throw new AbortedError('the run was aborted before it began', { cause: signal.reason });
    const control = new ControlBlock(devices.length);
    this.#group = new ReplicaGroup(this.#starter.startAll(devices, control), control, this.#groupOptions);
  }

  /** Of the replicas there are now, in rank order. */
  get ready(): readonly ReadyReport[] {
    return this.#group.replicas.flatMap(replica => this.#reports.get(replica) ?? []);
  }

  /** What all replicas share with the coordinator. Known once open. */
  get shared(): SharedWithReplicas {
    if (!this.#shared) throw new ReplicaError('the replicas are not open');
    return this.#shared;
  }

  /** Waits for the replicas; all then have replica 0's weights. @throws RecipeError, ReplicaError, StallError … */
  async open(): Promise<void> {
    try {
      await this.#join(this.#group, this.#group.replicas);
    } catch (error) {
      if (!this.#isFailure(this.#group)) throw error;
      await this.#regroup(this.#group.survivors);
      if (this.#ending) throw this.#ending;
    }
  }

  /**
   * @returns what those answered who did it, in rank order
   * @throws the error of the replica that failed first, where the run ends with it
   */
  async run<T>(
    attempt: Attempt<T>,
    { batch, isOwnChange = false, whenEnding = false }: CommandKind = {},
  ): Promise<T[]> {
    if (batch === undefined || batch === 'begins') this.#log = [];
    for (;;) {
      if (this.#ending && (!whenEnding || (isOwnChange && this.#isBatchLost))) throw this.#ending;
      const group = this.#group;
      const answers = await this.#attempt(attempt, group);
      if (!group.failure) {
        if (batch === 'begins' || batch === 'continues') this.#log.push(attempt);
        return resultsOf(answers);
      }
      const done = isOwnChange ? group.replicas.filter((_, rank) => answers[rank]?.ok) : [];
      await this.#regroup(done.length > 0 ? done : group.survivors);
      if (done.length > 0) return resultsOf(answers);
    }
  }

  /** As `run`, for what takes several commands and can be begun again. */
  async ask<T>(body: (group: ReplicaGroup) => Promise<T>, kind: CommandKind = {}): Promise<T> {
    const [result] = await this.run(async group => [{ ok: true, result: await body(group) }], kind);
    return result;
  }

  /** Ends whatever is in progress, and all that comes after it. */
  abort(reason?: unknown): void {
    this.#stopped = { reason };
    this.#group.abort(reason);
  }

  /** Ends all threads. Idempotent. */
  async close(): Promise<void> {
    this.#stopped ??= {};
    await this.#group.close();
  }

  async #attempt<T>(attempt: Attempt<T>, group: ReplicaGroup): Promise<Answer<T>[]> {
    try {
      return await attempt(group);
    } catch (error) {
      if (!this.#isFailure(group)) throw error;
      return [];
    }
  }

  /** Whether replicas have failed, rather than the caller or the command. */
  #isFailure(group: ReplicaGroup): boolean {
    return group.failure !== undefined && !group.isEnded && group === this.#group;
  }

  /** Goes on with those of the group that are left, as the policy says. @throws the failure where none is */
  async #regroup(survivors: readonly ReplicaHandle[]): Promise<void> {
    let left = survivors;
    for (;;) {
      const failed = this.#group;
      const gone = failed.replicas.filter(replica => !left.includes(replica));
      await failed.terminate(gone);
      const failure = failed.failure as GradringError;
      const isOpening = this.#holders.size === 0;
      const canGoOn = left.some(replica => isOpening || this.#holders.has(replica));
      if (this.#stopped || !canGoOn) throw this.#giveUp(failure);
      const places = this.#placesAfter(failed, left, failure);
      if (this.#ending && isOpening) throw this.#giveUp(failure);
      const control = new ControlBlock(places.length);
      const replicas = places.map((place, rank) =>
        typeof place === 'string' ? this.#starter.start(rank, place, control) : place,
      );
      this.#group = new ReplicaGroup(replicas, control, this.#groupOptions);
      try {
        await this.#join(
          this.#group,
          replicas.filter(replica => !this.#reports.has(replica)),
        );
        return;
      } catch (error) {
        if (!this.#isFailure(this.#group)) throw this.#giveUp(error as GradringError);
        left = this.#group.survivors;
      }
    }
  }

  /** Nobody is left who could answer. */
  #giveUp(error: GradringError): GradringError {
    this.#ending = error;
    if (!this.#group.isEnded && !this.#group.failure) this.#group.abort(error);
    return this.#group.isEnded ? (this.#group.failure as GradringError) : error;
  }

  /** Replicas of the next group in rank order; where there is to be a new one, its device. */
  #placesAfter(
    { replicas, casualties }: ReplicaGroup,
    left: readonly ReplicaHandle[],
    failure: GradringError,
  ): (ReplicaHandle | string)[] {
    const { onReplicaFailure: policy = 'fail', maxRestarts = 3 } = this.#options;
    const lost = replicas.length - left.length;
    const isHopeless = casualties.some(casualty => !isWorthAnotherTry(casualty));
    const mayRestart = policy === 'restart' && this.#restarts + lost <= maxRestarts;
    if (isHopeless || !(mayRestart || policy === 'shrink')) this.#ending ??= failure;
    // Without the run's state a replica is of no use to one that ends.
    if (this.#ending) return left.filter(replica => this.#holders.has(replica));
    if (!mayRestart) {
      this.#warnOf(
        casualties,
        'W_REPLICA_LOST',
        `${left.length} of ${replicas.length} replicas go on without it`,
      );
      return [...left];
    }
    this.#restarts += lost;
    this.#warnOf(
      casualties,
      'W_REPLICA_RESTARTED',
      `it is started again (restart ${this.#restarts} of ${maxRestarts})`,
    );
    return replicas.map(replica => (left.includes(replica) ? replica : replica.device));
  }

  #warnOf(casualties: readonly Casualty[], code: RunWarning['code'], what: string): void {
    for (const { replica, error } of casualties) {
      const { hint, phase = 'start', step } = error;
      const message =
        phase === 'start'
          ? `replica ${replica.rank} (${replica.device}) did not start: ${error.message}`
          : error.message;
      const warning = { code, message: `${message}; ${what}`, hint, replica: replica.rank, phase, step };
      this.#groupOptions.onWarning(warning);
    }
  }

  /** @param fresh replicas of the group that have just been started */
  async #join(group: ReplicaGroup, fresh: readonly ReplicaHandle[]): Promise<void> {
    if (this.#stopped) group.abort(this.#stopped.reason);
    const answers = await group.askReady(fresh);
    answers.forEach((answer, at) => {
      if (answer.ok) this.#reports.set(fresh[at], answer.result);
    });
    if (group.failure) throw group.failure;
    requireSameModel(this.ready);
    const holder = group.replicas.findIndex(replica => this.#holders.has(replica));
    await joinGroup(group, this.ready[0], { holder, fresh: fresh.map(({ rank }) => rank) });
    this.#shared ??= new SharedWithReplicas(group, this.ready[0], this.#options.imageShape);
    await this.#shared.moveTo(group, fresh);
    this.#holders = new Set(group.replicas);
    if (this.#ending) {
      this.#isBatchLost = this.#log.length > 0;
      return;
    }
    for (const attempt of this.#log) {
      await attempt(group);
      if (group.failure) throw group.failure;
    }
  }
}

const resultsOf = <T>(answers: readonly Answer<T>[]): T[] =>
  answers.flatMap(answer => (answer.ok ? [answer.result] : []));
