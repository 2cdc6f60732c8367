import { ReplicasDivergedError } from '../errors.js';
import type { Batch } from '../protocol/batch.js';
import type { CoordinatorOptions } from './coordinator-options.js';

/** Holds the replicas to their promise of bitwise equal weights, as often as it is told to. */
export class ReplicaVerifier {
  readonly #when: NonNullable<CoordinatorOptions['verify']>;
  readonly #checksums: (afterStep: boolean) => Promise<readonly string[]>;
  #unverified = false;

  /** @param checksums of all weights, by replica; right after a step, which stands, also when the run is to end */
  constructor(
    when: NonNullable<CoordinatorOptions['verify']>,
    checksums: (afterStep: boolean) => Promise<readonly string[]>,
  ) {
    this.#when = when;
    this.#checksums = checksums;
  }

  /** After an optimizer step, the `step`-th. */
  async stepped(step: number): Promise<void> {
    this.#unverified = true;
    if (this.#when === 'step') await this.verify(step, true);
  }

  /** Compares when training pauses: before validation, and before a new epoch's first batch. */
  async before(batch: Batch, training: boolean, step: number): Promise<void> {
    if (this.#when !== 'epoch' || !this.#unverified) return;
    if (!training || batch.index === 0) await this.verify(step);
  }

  /**
   * @returns the checksums, one per replica and all equal
   * @throws ReplicasDivergedError when they do not
   */
  async verify(step: number, afterStep = false): Promise<readonly string[]> {
    const checksums = await this.#checksums(afterStep);
    this.#unverified = false;
    const odd = checksums.findIndex(checksum => checksum !== checksums[0]);
    if (odd < 0) return checksums;
    throw new ReplicasDivergedError(
      `after step ${step} replica ${odd} holds other weights than replica 0: ${checksums.join(', ')}`,
      { replica: odd, step, hint: 'a recipe that draws random numbers of its own can cause this' },
    );
  }
}
