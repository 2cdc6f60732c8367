/**
 * All hooks of one runner in one list, because `StepRunner.setHooks` replaces the whole list: callbacks and people
 * who know nothing of each other can each have theirs. Reports come back to whoever put the hook on.
 */
import type { HookReport, HookSpec, HookValue } from '../protocol/hooks.js';
import type { ReplicaHooks, StepRunner } from '../protocol/step-runner.js';

/** A hook on one layer, and who wants to know. */
export interface HookRequest {
  readonly spec: Omit<HookSpec, 'id' | 'layers'>;
  readonly layer: string;
  /**
   * Called after each step for each use of the layer in it, in the order of use.
   *
   * @param values one of each replica that had samples, in rank order
   */
  readonly receive: (values: readonly HookValue[], use: number) => void;
}

const registries = new WeakMap<StepRunner, HookRegistry>();

export class HookRegistry {
  readonly #runner: StepRunner;
  readonly #requests = new Map<number, HookRequest>();
  #lastId = 0;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(runner: StepRunner) {
    this.#runner = runner;
  }

  /** The one of this runner. */
  static of(runner: StepRunner): HookRegistry {
    let registry = registries.get(runner);
    if (!registry) {
      registry = new HookRegistry(runner);
      registries.set(runner, registry);
    }
    return registry;
  }

  /** How many hooks there are. */
  get size(): number {
    return this.#requests.size;
  }

  /**
   * Puts hooks on, beside those there are. Opens the replicas if need be.
   *
   * @returns their ids, in the order of `requests`
   * @throws ConfigError for a layer or a hook function that does not exist; none of them is on then
   */
  async add(requests: readonly HookRequest[]): Promise<number[]> {
    await this.#runner.open();
    return this.#inTurn(() => this.#add(requests));
  }

  async #add(requests: readonly HookRequest[]): Promise<number[]> {
    const ids = requests.map(request => {
      this.#requests.set(++this.#lastId, request);
      return this.#lastId;
    });
    try {
      await this.#apply();
    } catch (error) {
      for (const id of ids) this.#requests.delete(id);
      throw error;
    }
    return ids;
  }

  /** Takes hooks off; ids of hooks that are off already are no error. */
  async remove(ids: readonly number[]): Promise<void> {
    const gone = ids.filter(id => this.#requests.delete(id));
    if (gone.length === 0) return;
    try {
      await this.#inTurn(() => this.#apply());
    } catch {
      // Replicas that cannot be reached hold no hooks any more. What ended them is told to whoever uses them next, and
      // must not be hidden by a clean-up.
    }
  }

  /** One change after the other, so that a refused one takes no other with it. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#last.then(change, change);
    this.#last = done.catch(() => {});
    return done;
  }

  #apply(): Promise<void> {
    const specs = [...this.#requests].map(([id, { spec, layer }]) => ({ ...spec, id, layers: [layer] }));
    return this.#runner.setHooks(specs, reports => this.#deliver(reports));
  }

  #deliver(replicas: ReplicaHooks): void {
    const uses = new Map<string, HookReport[]>();
    for (const report of replicas.flat().toSorted((a, b) => a.use - b.use)) {
      const key = `${report.hook}/${report.use}`;
      uses.set(key, [...(uses.get(key) ?? []), report]);
    }
    for (const reports of uses.values()) {
      const [{ hook, use }] = reports;
      const values = reports.map(({ value }) => value);
      this.#requests.get(hook)?.receive(values, use);
    }
  }
}
