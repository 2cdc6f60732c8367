/** What a fuzz target is: valid inputs to change, and the reader that gets them. */
import type { Random } from '../../src/random.js';

/** An integer within an input that says how long, how many or where. */
export interface Field {
  /** First byte. */
  readonly at: number;
  /** Bytes. */
  readonly width: 1 | 2 | 4 | 8;
  readonly bigEndian?: boolean;
}

/** JSON within an input. */
export interface JsonPart {
  readonly start: number;
  /** Bytes. */
  readonly length: number;
  /** The integer that has that length. */
  readonly lengthField?: Field;
}

/** A valid input, and where in it something worth changing is. */
export interface Seed {
  readonly bytes: Uint8Array;
  readonly fields?: readonly Field[];
  readonly json?: JsonPart;
}

export interface OpenTarget {
  readonly seeds: readonly Seed[];
  /** Pieces of text that mean something to the reader. */
  readonly tokens?: readonly string[];
  /** The inputs are values, not text: only their JSON is changed, and stays JSON. */
  readonly jsonOnly?: boolean;
  /** Makes checksums right again, so that what is behind them is reached; 3 of 4 inputs go through it. */
  repair?(input: Buffer, random: Random): Uint8Array;
  /**
   * Reads an input, and asserts of what was read what its type promises.
   *
   * @throws what the reader throws
   */
  read(input: Uint8Array): void | Promise<void>;
  close?(): Promise<void>;
}

export interface FuzzTarget {
  readonly name: string;
  /** Inputs of a full run. */
  readonly count: number;
  /** Most that the process may grow over all its inputs, MiB. Default 256. */
  readonly growthLimit?: number;
  /** @param folder of its own, for files */
  open(folder: string): Promise<OpenTarget>;
}
