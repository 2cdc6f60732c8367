import type { Learner } from '../learner/learner.js';
import { Hook, type HookOptions } from './hook.js';
import type { HookChoice, HookResult } from './hook-functions.js';
import { type LayerFilter, selectLayers } from './layer-filter.js';

/**
 * One function on several layers: a list of hooks in the order of the model, to go through, to index, to remove
 * together. In TypeScript with explicit resource management, `await using` removes them by itself.
 */
export class Hooks<Value = unknown, State = undefined> implements Iterable<Hook<Value, State>> {
  readonly [index: number]: Hook<Value, State>;
  readonly length: number;
  readonly #hooks: readonly Hook<Value, State>[];

  private constructor(hooks: readonly Hook<Value, State>[]) {
    this.#hooks = hooks;
    this.length = hooks.length;
    Object.assign(this, hooks);
  }

  /**
   * @param filter a name, a class, a pattern, a function, or several of these; undefined: all layers
   * @param choice as `Hook.on`
   * @throws ConfigError when no layer passes, or there is no such function
   */
  static async on<Choice extends HookChoice, State = undefined>(
    learn: Learner,
    filter: LayerFilter | undefined,
    choice: Choice,
    options: HookOptions<HookResult<Choice>, State> = {},
  ): Promise<Hooks<HookResult<Choice>, State>> {
    await learn.runner.open();
    const layers = selectLayers(learn.runner.layers, filter);
    return new Hooks(await Hook.onEach(learn, layers, choice, options));
  }

  /** The hook on the layer of that name. */
  get(layer: string): Hook<Value, State> | undefined {
    return this.#hooks.find(hook => hook.layer.name === layer);
  }

  [Symbol.iterator](): Iterator<Hook<Value, State>> {
    return this.#hooks[Symbol.iterator]();
  }

  /** Takes all of them off. Calling it again does nothing; values and states stay. */
  remove(): Promise<void> {
    return Hook.removeAll(this.#hooks as readonly Hook<unknown, unknown>[]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.remove();
  }
}

/** Runs `fn` with hooks on, and takes them off whatever happens. Returns what it returns. @throws ConfigError */
export async function withHooks<Choice extends HookChoice, State, Result>(
  learn: Learner,
  filter: LayerFilter | undefined,
  choice: Choice,
  fn: (hooks: Hooks<HookResult<Choice>, State>) => Result | Promise<Result>,
  options: HookOptions<HookResult<Choice>, State> = {},
): Promise<Result> {
  const hooks = await Hooks.on(learn, filter, choice, options);
  try {
    return await fn(hooks);
  } finally {
    await hooks.remove();
  }
}
