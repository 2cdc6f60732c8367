import { ConfigError } from '../errors.js';
import { HookRegistry, type HookRequest } from '../learner/hook-registry.js';
import type { Learner } from '../learner/learner.js';
import type { LayerInfo } from '../protocol/model-info.js';
import { type HookChoice, type HookResult, resolveHookFunction } from './hook-functions.js';
import { type LayerFilter, selectLayers } from './layer-filter.js';

export interface HookOptions<Value, State> {
  /** `forward` (default) sees what the layer gives; `gradient` the gradient of the batch's mean loss for it. */
  readonly kind?: 'forward' | 'gradient';
  /** Look at training batches. Default true. */
  readonly onTrain?: boolean;
  /** Look at validation batches. Default true; there are no gradients in them. */
  readonly onValid?: boolean;
  /** Makes the hook's `state`. */
  readonly state?: () => State;
  /**
   * Called with what the function gave, once a step for each use of the layer (from 0) in it. What it throws, the
   * step throws. Hooks cannot be put on or taken off here: that would drop the step.
   */
  readonly each?: (hook: Hook<Value, State>, value: Value, use: number) => void;
}

/**
 * A function on one layer of all replicas. Each step leaves its value of the whole batch in `value`.
 *
 *     const hook = await Hook.on(learn, 'conv2d_1', 'stats');
 *     await learn.fit(1);
 *     console.log(hook.value?.mean);
 *     await hook.remove();
 */
export class Hook<Value = unknown, State = undefined> {
  readonly learn: Learner;
  readonly layer: LayerInfo;
  readonly kind: 'forward' | 'gradient';
  /** Your own, from the option `state`. */
  readonly state: State;
  /** Of the last step's last use of the layer. */
  value?: Value;
  /** How many values there were. */
  calls = 0;
  #id?: number;

  private constructor(learn: Learner, layer: LayerInfo, kind: 'forward' | 'gradient', state: State) {
    this.learn = learn;
    this.layer = layer;
    this.kind = kind;
    this.state = state;
  }

  /**
   * Puts a function on a layer: its name, or a filter that only it passes. Opens the replicas if need be.
   *
   * @param choice `stats`, `shape`, `capture`, the name of one of the recipe's hooks, or one with options: `stats({ bins })`
   * @throws ConfigError for a layer or a function that does not exist, or several layers
   */
  static async on<Choice extends HookChoice, State = undefined>(
    learn: Learner,
    layer: LayerFilter,
    choice: Choice,
    options: HookOptions<HookResult<Choice>, State> = {},
  ): Promise<Hook<HookResult<Choice>, State>> {
    await learn.runner.open();
    const chosen = selectLayers(learn.runner.layers, layer);
    if (chosen.length > 1)
      throw new ConfigError(`${chosen.length} layers match: ${chosen.map(({ name }) => name).join(', ')}.`, {
        where: 'Hook.on',
        hint: 'name one of them, or use Hooks.on for several',
      });
    const [hook] = await Hook.onEach(learn, chosen, choice, options);
    return hook;
  }

  /** One hook on each of these layers, put on together. */
  static async onEach<Choice extends HookChoice, State = undefined>(
    learn: Learner,
    layers: readonly LayerInfo[],
    choice: Choice,
    { kind = 'forward', onTrain = true, onValid = true, state, each }: HookOptions<HookResult<Choice>, State>,
  ): Promise<Hook<HookResult<Choice>, State>[]> {
    const { fn, options, merge } = resolveHookFunction(choice);
    const hooks = layers.map(
      layer => new Hook<HookResult<Choice>, State>(learn, layer, kind, state?.() as State),
    );
    const requests = hooks.map(
      (hook): HookRequest => ({
        spec: { kind, fn, options, onTrain, onValid },
        layer: hook.layer.name,
        receive: (values, use) => {
          hook.value = merge(values);
          hook.calls++;
          each?.(hook, hook.value, use);
        },
      }),
    );
    const ids = await HookRegistry.of(learn.runner).add(requests);
    hooks.forEach((hook, index) => {
      hook.#id = ids[index];
    });
    return hooks;
  }

  /** Takes them off their layers, all at once; those that are off are no error. Values and states stay. */
  static async removeAll(hooks: Iterable<Hook<unknown, unknown>>): Promise<void> {
    const all = [...hooks];
    if (all.length === 0) return;
    const ids = all.flatMap(hook => (hook.#id === undefined ? [] : [hook.#id]));
    for (const hook of all) hook.#id = undefined;
    await HookRegistry.of(all[0].learn.runner).remove(ids);
  }

  /** Whether it is on its layer. */
  get isOn(): boolean {
    return this.#id !== undefined;
  }

  /** Takes it off its layer. Calling it again does nothing. */
  remove(): Promise<void> {
    return Hook.removeAll([this]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.remove();
  }
}
