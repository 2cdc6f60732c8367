/**
 * The few words of shared memory through which replicas and coordinator see each other.
 *
 *   Int32 words, one cache line (16 words) each, so that no two writers share a line:
 *
 *   line 0      │ abort │ – │ …                       0 while running, else 1 + who aborted
 *   line 1 + i  │ progress │ phase │ step │ heartbeat │ …     written by replica i alone
 *
 * `progress` counts what replica i has done in the ring (see ring.ts), `phase` is an index into
 * `protocol/phases.ts`, `heartbeat` grows by one at every change of phase.
 */
import { type Phase, phases } from '../protocol/phases.js';

const wordsPerLine = 16;
const abortWord = 0;
const progressField = 0;
const phaseField = 1;
const stepField = 2;
const heartbeatField = 3;

/** Who ended the ring when it was not a replica. */
export const abortedByCoordinator = -1;

/** What a replica was last seen doing. */
export interface ReplicaStatus {
  readonly phase: Phase;
  readonly step: number;
  readonly heartbeat: number;
}

export class ControlBlock {
  readonly buffer: SharedArrayBuffer;
  readonly replicas: number;
  readonly #words: Int32Array;

  /** Lays a control block for `replicas` replicas over `buffer`, or over new memory. */
  constructor(replicas: number, buffer?: SharedArrayBuffer) {
    this.replicas = replicas;
    this.buffer = buffer ?? new SharedArrayBuffer((1 + replicas) * wordsPerLine * 4);
    this.#words = new Int32Array(this.buffer);
  }

  #word(replica: number, field: number): number {
    return (1 + replica) * wordsPerLine + field;
  }

  /** Ends every wait in the ring, now and later. The first caller's name stands. */
  abort(by: number = abortedByCoordinator): void {
    Atomics.compareExchange(this.#words, abortWord, 0, by === abortedByCoordinator ? -1 : 1 + by);
    // Waiters sleep on progress words, not on the abort word: wake each of them to look.
    for (let replica = 0; replica < this.replicas; replica++) {
      Atomics.notify(this.#words, this.#word(replica, progressField));
    }
  }

  /** Index of the replica that aborted, `abortedByCoordinator`, or undefined while running. */
  get abortedBy(): number | undefined {
    const word = Atomics.load(this.#words, abortWord);
    if (word === 0) return undefined;
    return word < 0 ? abortedByCoordinator : word - 1;
  }

  progress(replica: number): number {
    return Atomics.load(this.#words, this.#word(replica, progressField));
  }

  setProgress(replica: number, value: number): void {
    const word = this.#word(replica, progressField);
    // The store publishes the floats written before it: Atomics order plain accesses of the same thread.
    Atomics.store(this.#words, word, value);
    Atomics.notify(this.#words, word);
  }

  /** Sleeps until `replica`'s progress may have changed from `seen`, at most `milliseconds`. */
  waitForProgress(replica: number, seen: number, milliseconds: number): void {
    Atomics.wait(this.#words, this.#word(replica, progressField), seen, milliseconds);
  }

  enter(replica: number, phase: Phase, step?: number): void {
    if (step !== undefined) Atomics.store(this.#words, this.#word(replica, stepField), step);
    Atomics.store(this.#words, this.#word(replica, phaseField), phases.indexOf(phase));
    Atomics.add(this.#words, this.#word(replica, heartbeatField), 1);
  }

  status(replica: number): ReplicaStatus {
    return {
      phase: phases[Atomics.load(this.#words, this.#word(replica, phaseField))],
      step: Atomics.load(this.#words, this.#word(replica, stepField)),
      heartbeat: Atomics.load(this.#words, this.#word(replica, heartbeatField)),
    };
  }
}
