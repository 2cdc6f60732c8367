/**
 * Hooks on the layers of one replica's model. A hooked layer's `call` is replaced on the instance; an engine that
 * joins layers sees that and leaves the layer by itself (engine/torch/program/layer-nodes.ts).
 *
 *   forward hook    sees what the layer gives, after the layer; may replace it
 *   gradient hook   an identity put after the layer, whose backward pass sees the gradient for it; may replace it
 *
 * Results stay on the device until `take`.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Tf } from '../engine/tf.js';
import { ConfigError, RecipeError } from '../errors.js';
import { unrecorded } from '../nn/tape.js';
import type { BuiltInHook, HookReport, HookSpec, HookValue } from '../protocol/hooks.js';
import { builtInHooks, type Observation, type Observe, recipeHook } from './hook-functions.js';
import type { HookContext, HookFunction } from './recipe.js';

type Layer = LayersModel['layers'][number];
type Call = Layer['call'];

/** What all hooks on one use of a layer are told. */
type Place = Omit<HookContext, 'kind' | 'options'>;

/** One hook on one layer. */
interface Placed {
  readonly spec: HookSpec;
  readonly observe: Observe;
  /** Whether it is the recipe's own, which may take part in the model. */
  readonly isOwn: boolean;
}

interface HookedLayer {
  readonly layer: Layer;
  readonly call: Call;
  readonly placed: Placed[];
  /** How often it was called in this forward pass. */
  uses: number;
  /** Puts back the `call` there was. */
  readonly restore: () => void;
}

/** What is to be read at the end of the step. */
interface Pending {
  readonly report: Omit<HookReport, 'value'>;
  readonly results: Observation['results'];
  readonly finish?: Observation['finish'];
}

export class LayerHooks {
  readonly #tf: Tf;
  readonly #model: LayersModel;
  readonly #own: Readonly<Record<string, HookFunction>>;
  #hooked = new Map<string, HookedLayer>();
  #training = false;
  #pending: Pending[] = [];

  /** @param own the recipe's hook functions */
  constructor(tf: Tf, model: LayersModel, own: Readonly<Record<string, HookFunction>> = {}) {
    this.#tf = tf;
    this.#model = model;
    this.#own = own;
  }

  /**
   * Puts these hooks on, in the place of all others.
   *
   * @returns whether other layers than before are hooked now, and the model has to be prepared anew
   * @throws ConfigError when there is no such layer or function; the hooks there were stay
   */
  set(specs: readonly HookSpec[]): boolean {
    const placed = new Map<Layer, Placed[]>();
    for (const spec of specs) {
      const one = this.#place(spec);
      for (const name of spec.layers) {
        const layer = this.#layer(name);
        placed.set(layer, [...(placed.get(layer) ?? []), one]);
      }
    }
    const before = [...this.#hooked.keys()].sort().join();
    this.clear();
    for (const [layer, hooks] of placed) this.#wrap(layer, hooks);
    return [...this.#hooked.keys()].sort().join() !== before;
  }

  /** Takes all hooks off. */
  clear(): void {
    this.#drop();
    for (const { restore } of this.#hooked.values()) restore();
    this.#hooked = new Map();
  }

  /** A forward pass begins. Drops what an earlier one left behind. */
  begin(training: boolean): void {
    this.#drop();
    this.#training = training;
    for (const hooked of this.#hooked.values()) hooked.uses = 0;
  }

  /** Reads what the hooks saw since `begin` or the last `take`; undefined where that is nothing. */
  async take(): Promise<HookReport[] | undefined> {
    const pending = this.#pending;
    if (pending.length === 0) return undefined;
    this.#pending = [];
    try {
      return await Promise.all(
        pending.map(async ({ report, results, finish }) => {
          const values = await this.#read(results);
          return { ...report, value: finish ? finish(values) : values };
        }),
      );
    } finally {
      for (const { results } of pending) this.#dispose(results);
    }
  }

  #drop(): void {
    for (const { results } of this.#pending) this.#dispose(results);
    this.#pending = [];
  }

  #dispose(results: Observation['results']): void {
    for (const result of Object.values(results)) if (result instanceof this.#tf.Tensor) result.dispose();
  }

  async #read(results: Observation['results']): Promise<HookValue> {
    const values = Object.entries(results).map(async ([name, result]) => {
      if (!(result instanceof this.#tf.Tensor)) return [name, result] as const;
      const data = await result.data();
      return [name, result.rank === 0 ? data[0] : Float32Array.from(data)] as const;
    });
    return Object.fromEntries(await Promise.all(values));
  }

  #place(spec: HookSpec): Placed {
    const own = Object.hasOwn(this.#own, spec.fn) ? this.#own[spec.fn] : undefined;
    if (own) return { spec, observe: recipeHook(spec.fn, own), isOwn: true };
    if (Object.hasOwn(builtInHooks, spec.fn))
      return { spec, observe: builtInHooks[spec.fn as BuiltInHook], isOwn: false };
    const names = [...Object.keys(builtInHooks), ...Object.keys(this.#own)].join(', ');
    throw new ConfigError(`There is no hook function "${spec.fn}".`, {
      where: 'hooks',
      hint: `use ${names}`,
    });
  }

  #layer(name: string): Layer {
    const layer = this.#model.layers.find(each => each.name === name);
    if (layer) return layer;
    const names = this.#model.layers.map(each => each.name).join(', ');
    throw new ConfigError(`There is no layer "${name}".`, {
      where: 'hooks',
      hint: `the layers are ${names}`,
    });
  }

  #wrap(layer: Layer, placed: Placed[]): void {
    const own = Object.getOwnPropertyDescriptor(layer, 'call');
    const restore = () => {
      if (own) Object.defineProperty(layer, 'call', own);
      else delete (layer as Partial<Pick<Layer, 'call'>>).call;
    };
    const hooked: HookedLayer = { layer, call: layer.call, placed, uses: 0, restore };
    layer.call = (inputs, kwargs) => this.#through(hooked, inputs, kwargs);
    this.#hooked.set(layer.name, hooked);
  }

  #through(hooked: HookedLayer, inputs: Parameters<Call>[0], kwargs: Parameters<Call>[1]): ReturnType<Call> {
    const { layer, call, placed } = hooked;
    const output = call.call(layer, inputs, kwargs);
    const active = placed.filter(({ spec }) => (this.#training ? spec.onTrain : spec.onValid));
    if (active.length === 0) return output;
    if (Array.isArray(output)) {
      throw new RecipeError(`the layer ${layer.name} has ${output.length} outputs`, {
        where: 'hooks',
        hint: 'hooks can be put on layers with one output',
      });
    }
    const use = hooked.uses++;
    const context = {
      layer: layer.name,
      type: layer.getClassName(),
      inputs: Array.isArray(inputs) ? inputs : [inputs],
      training: this.#training,
      use,
    };
    const seen = active
      .filter(({ spec }) => spec.kind === 'forward')
      .reduce((value, hook) => this.#see(hook, value, context), output);
    const gradientHooks = active.filter(({ spec }) => spec.kind === 'gradient');
    if (!this.#training || gradientHooks.length === 0) return seen;
    return this.#watchGradient(gradientHooks, seen, context);
  }

  /** The identity, whose gradient function shows the gradient to the hooks. */
  #watchGradient(hooks: readonly Placed[], output: Tensor, context: Place): Tensor {
    // Inputs that were computed on the way may be gone when the gradient comes.
    const later = { ...context, inputs: [] };
    const identity = this.#tf.customGrad(x => ({
      value: this.#tf.clone(x as Tensor),
      gradFunc: dy => hooks.reduce((gradient, hook) => this.#see(hook, gradient, later), dy as Tensor),
    }));
    return identity(output);
  }

  /** @returns the value, or what the hook put in its place */
  #see({ spec, observe, isOwn }: Placed, value: Tensor, at: Place): Tensor {
    const { kind, options = {} } = spec;
    const run = () => this.#tf.tidy(() => this.#observe(observe, value, { ...at, kind, options }, spec));
    // A recipe's hook may replace the output: then the gradient goes through what it did.
    return isOwn ? run() : unrecorded(this.#tf, run);
  }

  #observe(observe: Observe, value: Tensor, context: HookContext, spec: HookSpec): Tensor {
    const { results, output = value, finish } = observe(this.#tf, value, context);
    // Own references: a result may be the value itself, which others dispose.
    const kept = Object.entries(results).map(([name, result]) => [
      name,
      result instanceof this.#tf.Tensor ? this.#keep(result) : result,
    ]);
    if (kept.length > 0) {
      const report = { hook: spec.id, layer: context.layer, use: context.use };
      this.#pending.push({ report, results: Object.fromEntries(kept), finish });
    }
    return output;
  }

  #keep(tensor: Tensor): Tensor {
    return unrecorded(this.#tf, () => this.#tf.keep(this.#tf.clone(tensor)));
  }
}
