/**
 * Ring all-reduce over shared memory: reduce-scatter, then all-gather (Patarasuk & Yuan, "Bandwidth optimal
 * all-reduce algorithms for clusters of workstations", 2009). Each of N replicas has a buffer of its own,
 * cut into N chunks. Replica r reads only from its left neighbour r − 1:
 *
 *   reduce-scatter, step s = 0 … N−2     mine[r−s−1] += left[r−s−1]      then chunk r+1 of r is complete
 *   all-gather,     step s = 0 … N−2     mine[r−s]    = left[r−s]        then every chunk is
 *
 * Chunk c is therefore always summed in the order c, c+1, …, c+N−1 (mod N), starting from replica c's own
 * values: the result is the same bits on every replica and in every run.
 *
 * What a replica has done is one counter in the control block, growing by 2N−1 a round from its `base`:
 *
 *   base+1               its contribution is in its buffer
 *   base+2+s             reduce-scatter step s done
 *   base+N+1+s           all-gather step s done          (base+2N−1: the round is over, the next one's base)
 *
 * A replica waits for its left neighbour before it reads. In all-gather it overwrites chunk r−s, which its right
 * neighbour has to have read in reduce-scatter step s; waiting for the left one is enough for that too, as each
 * replica waited for its own left one: r−1 done with all-gather step s−1 means r−1−s done with reduce-scatter, so
 * r−1−s−k done with its step N−2−k, and for k = N−2−s that is r+1−N, the right neighbour, and step s.
 *
 * Where an engine can sum all buffers in one pass over shared memory (`FlatMath.sum`), replica r does so for chunk r,
 * in the same order, between two barriers: the same bits, in less time (each float is read N times and written N
 * times, in one loop, instead of passing through every replica in turn).
 */
import type { FlatMath } from '../engine/flat-math.js';
import { RingAbortedError, StallError } from '../errors.js';
import { abortedByCoordinator, type ControlBlock } from './control-block.js';

export interface RingOptions {
  /** Longest wait for a neighbour, in ms, before a StallError. */
  readonly timeoutMs: number;
  /** An engine's own loops. Every member has to be given the same. */
  readonly math?: FlatMath;
}

/** An abort that comes between the look at the flag and the sleep is noticed after this long. */
const sleepMs = 50;

const mod = (a: number, n: number): number => ((a % n) + n) % n;

/** One replica's place in the ring. */
export class RingMember {
  /** This replica's buffer: put the contribution here, find the sum here. */
  readonly local: Float32Array;
  readonly #left: Float32Array;
  readonly #control: ControlBlock;
  readonly #rank: number;
  readonly #timeoutMs: number;
  readonly #buffers: readonly Float32Array[];
  /** In place of the ring, where there is one for so many buffers. */
  readonly #sum?: NonNullable<FlatMath['sum']>;

  /**
   * @param buffers one per replica, in rank order, all of the same length
   * @param rank this replica's index in `buffers`
   */
  constructor(
    control: ControlBlock,
    buffers: readonly SharedArrayBuffer[],
    rank: number,
    { timeoutMs, math }: RingOptions,
  ) {
    this.#control = control;
    this.#rank = rank;
    this.#timeoutMs = timeoutMs;
    this.#buffers = buffers.map(buffer => new Float32Array(buffer));
    this.local = this.#buffers[rank];
    this.#left = this.#buffers[mod(rank - 1, buffers.length)];
    if (buffers.length <= (math?.mostBuffers ?? 0)) this.#sum = math?.sum;
  }

  /**
   * Replaces `local` on every replica by the sum of all of them. Every replica must call it the same number
   * of times.
   *
   * @throws RingAbortedError when another replica or the coordinator ended the ring
   * @throws StallError when a neighbour did not come within the bound
   */
  allReduce(): void {
    this.#throwIfAborted();
    if (this.#control.replicas === 1) return;
    if (this.#sum) this.#sumInPlace(this.#sum);
    else this.#passRound();
  }

  #sumInPlace(sum: NonNullable<FlatMath['sum']>): void {
    const base = this.#control.progress(this.#rank);
    const end = base + 2 * this.#control.replicas - 1;
    this.#barrier(base + 1);
    sum(this.#buffers, this.#rank, ...this.#bounds(this.#rank));
    this.#barrier(end);
  }

  #barrier(progress: number): void {
    this.#reached(progress);
    for (let replica = 0; replica < this.#control.replicas; replica++) {
      if (replica !== this.#rank) this.#await(replica, progress);
    }
  }

  #passRound(): void {
    const n = this.#control.replicas;
    const r = this.#rank;
    const left = mod(r - 1, n);
    const right = mod(r + 1, n);
    const base = this.#control.progress(r);
    this.#reached(base + 1);
    for (let s = 0; s < n - 1; s++) {
      this.#await(left, base + 1 + s);
      this.#addChunk(mod(r - s - 1, n));
      this.#reached(base + 2 + s);
    }
    for (let s = 0; s < n - 1; s++) {
      this.#await(left, base + n + s);
      this.#copyChunk(mod(r - s, n));
      this.#reached(base + n + 1 + s);
    }
    // The caller may write to `local` as soon as this returns: the right neighbour must be done reading it.
    this.#await(right, base + 2 * n - 1);
  }

  #bounds(chunk: number): [number, number] {
    const { length } = this.local;
    const n = this.#control.replicas;
    return [Math.floor((chunk * length) / n), Math.floor(((chunk + 1) * length) / n)];
  }

  #addChunk(chunk: number): void {
    const [start, end] = this.#bounds(chunk);
    const { local } = this;
    const left = this.#left;
    for (let i = start; i < end; i++) local[i] += left[i];
  }

  #copyChunk(chunk: number): void {
    const [start, end] = this.#bounds(chunk);
    this.local.set(this.#left.subarray(start, end), start);
  }

  #reached(progress: number): void {
    this.#control.setProgress(this.#rank, progress | 0);
  }

  #await(replica: number, target: number): void {
    const control = this.#control;
    let seen = control.progress(replica);
    // Differences, not values, are compared: the counters wrap after 2³² / (2N − 1) rounds.
    if (((seen - target) | 0) >= 0) return;
    const deadline = performance.now() + this.#timeoutMs;
    while (((seen - target) | 0) < 0) {
      this.#throwIfAborted();
      const left = deadline - performance.now();
      if (left <= 0) this.#throwStalled(replica);
      control.waitForProgress(replica, seen, Math.min(sleepMs, left));
      seen = control.progress(replica);
    }
  }

  #throwIfAborted(): void {
    const by = this.#control.abortedBy;
    if (by === undefined) return;
    const who = by === abortedByCoordinator ? 'the coordinator' : `replica ${by}`;
    throw new RingAbortedError(`the all-reduce was ended by ${who}`, { replica: this.#rank });
  }

  #throwStalled(replica: number): never {
    const { phase, step } = this.#control.status(replica);
    throw new StallError(
      `replica ${this.#rank} waited ${Math.round(this.#timeoutMs / 1000)} s in the all-reduce for replica ` +
        `${replica}, last seen in phase '${phase}' at step ${step}`,
      { replica, phase, step, hint: 'look at what that replica does there, or raise stallTimeoutMs' },
    );
  }
}
