import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';
import type { Hook, HookOptions } from './hook.js';
import type { HookChoice, HookResult } from './hook-functions.js';
import { Hooks } from './hooks.js';
import type { LayerFilter } from './layer-filter.js';

export interface HooksCallbackOptions<Value, State> extends HookOptions<Value, State> {
  /** Default: all layers. */
  readonly filter?: LayerFilter;
  /** Look at validation batches. Default false. */
  readonly onValid?: boolean;
}

/**
 * Hooks for the time of a fit: put on before it, taken off when it is over, however it ends. What was seen stays in
 * `hooks` until the next fit.
 */
export class HooksCallback<Choice extends HookChoice, State = undefined> extends Callback {
  hooks?: Hooks<HookResult<Choice>, State>;
  readonly #choice: Choice;
  readonly #options: HooksCallbackOptions<HookResult<Choice>, State>;

  /** @param choice as `Hook.on` */
  constructor(choice: Choice, options: HooksCallbackOptions<HookResult<Choice>, State> = {}) {
    super();
    this.#choice = choice;
    this.#options = options;
  }

  /** Called with each value, if there is no option `each`; a subclass may put its own here. */
  seen(_hook: Hook<HookResult<Choice>, State>, _value: HookResult<Choice>, _use: number): void {}

  /** @throws ConfigError when no layer passes the filter, or there is no such function */
  override async beforeFit(learn: Learner): Promise<void> {
    const {
      filter,
      onValid = false,
      each = (hook, value, use) => this.seen(hook, value, use),
      ...rest
    } = this.#options;
    this.hooks = await Hooks.on<Choice, State>(learn, filter, this.#choice, { ...rest, onValid, each });
  }

  override async cleanupFit(_learn: Learner): Promise<void> {
    await this.hooks?.remove();
  }
}
