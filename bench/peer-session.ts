/** A peer that stays: one question a line to its standard input, one answer a line from its output, both JSON. */
import { createInterface } from 'node:readline';
import { type PeerOptions, PeerProcess } from './peer.js';

/** How long a peer may take to end its own processes once it was told to. */
const graceMs = 3000;

export class PeerSession {
  readonly #peer: PeerProcess;
  readonly #answers: AsyncIterator<string>;

  private constructor(script: string, args: readonly string[], options: PeerOptions) {
    this.#peer = new PeerProcess(script, args, options);
    // Whoever asks next meets the failure; until then it must not count as unhandled.
    this.#peer.ended.catch(() => undefined);
    this.#answers = createInterface({ input: this.#peer.child.stdout! })[Symbol.asyncIterator]();
  }

  /** Runs `work` with a session over `bench/peers/<script>`, and ends the peer after it. */
  static async over<T>(
    script: string,
    args: readonly string[],
    options: PeerOptions,
    work: (session: PeerSession) => Promise<T>,
  ): Promise<T> {
    const session = new PeerSession(script, args, options);
    try {
      return await work(session);
    } finally {
      await session.#end();
    }
  }

  /**
   * One question at a time.
   *
   * @throws ConfigError when the peer cannot be started, lacks a package, or fails
   */
  async ask<T>(question: Readonly<Record<string, unknown>>): Promise<T> {
    this.#peer.child.stdin?.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await this.#answers.next();
    if (!done) return JSON.parse(value) as T;
    await this.#peer.ended;
    throw new Error('the peer ended before it answered');
  }

  /** By itself it removes what it put into the temporary folder. */
  async #end(): Promise<void> {
    const late = setTimeout(this.#peer.kill, graceMs);
    this.#peer.child.stdin?.end();
    await this.#peer.ended.catch(() => undefined);
    clearTimeout(late);
  }
}
