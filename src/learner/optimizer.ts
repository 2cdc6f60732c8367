import { ConfigError } from '../errors.js';
import type { GroupSettings, OptimizerKind, OptimizerSpec, ParameterInfo } from '../protocol/optimizer.js';
import { type LearningRate, ratesOf } from './learning-rate.js';
import { checkSettings } from './optimizer-settings.js';
import { type GroupOption, type Splitter, splitByMatch } from './param-groups.js';

/** The settings of some of the parameters. Change them at any time: the next step uses what stands here. */
export interface ParamGroup extends GroupSettings {
  /** Indices into the runner's `parameters`. */
  params: number[];
}

/**
 * The coordinator's half of an optimizer: its settings, as in PyTorch. The other half, moments and arithmetic,
 * lives on the replicas, which get `spec` once and `settings()` with every step.
 */
export class Optimizer {
  readonly kind: OptimizerKind;
  /** In the order of the option `groups`; parameters that none of them took come last, as one group. */
  readonly paramGroups: ParamGroup[];
  /** The settings it was made with: a resumed fit tells by them what was changed on purpose. */
  readonly initial: readonly GroupSettings[];

  constructor(kind: OptimizerKind, paramGroups: ParamGroup[]) {
    this.kind = kind;
    this.paramGroups = paramGroups;
    this.initial = paramGroups.map(
      ({ params: _, ...settings }) => structuredClone(settings) as GroupSettings,
    );
  }

  get spec(): OptimizerSpec {
    return { kind: this.kind, groups: this.paramGroups.map(group => [...group.params]) };
  }

  /**
   * What the step sends to the replicas, one entry per group.
   * @throws ConfigError if a scheduler or callback has written a value out of range
   */
  settings(): GroupSettings[] {
    return this.paramGroups.map(({ params: _, ...settings }, index) => {
      checkSettings(this.kind, settings, `paramGroups[${index}]`);
      return settings as GroupSettings;
    });
  }

  /**
   * Freezes the groups before number `first` and lets the others learn.
   *
   * @param first from 0, or from the end if negative: −1 leaves only the last group to learn
   * @throws ConfigError if there is no such group
   */
  freezeTo(first: number): void {
    const count = this.paramGroups.length;
    if (!Number.isInteger(first) || first < -count || first >= count)
      throw new ConfigError(`There is no group ${first}: the optimizer has ${count}.`, {
        where: 'freezeTo',
        hint: 'split the parameters by the option groups of the optimizer, such as sgd({ groups: splitLayers(2) })',
      });
    const start = first < 0 ? count + first : first;
    this.paramGroups.forEach((group, index) => {
      group.frozen = index < start;
    });
  }
}

/** Makes the optimizer of a fit; `lr` is the rate of every group that names none. */
export type OptFunc = (parameters: readonly ParameterInfo[], lr: LearningRate) => Optimizer;

export interface SgdSettings {
  /** Share of the last step's direction that is kept, 0 … 1. Default 0. */
  readonly momentum: number;
  /** Share of the gradient that is not added to it. Default 0. */
  readonly dampening: number;
  /** Added to the gradient, times the parameter. Default 0. */
  readonly weightDecay: number;
  /** Look one step of momentum ahead; needs momentum and no dampening. Default false. */
  readonly nesterov: boolean;
}

export interface RmspropSettings {
  /** Decay of the running mean of the squared gradient, 0 ≤ alpha < 1. Default 0.99. */
  readonly alpha: number;
  /** Added to the denominator, outside of the root. Default 1e-8. */
  readonly eps: number;
  /** Share of the last update that is kept. Default 0. */
  readonly momentum: number;
  /** Divide by the standard deviation of the gradient instead of its root mean square. Default false. */
  readonly centered: boolean;
  /** Added to the gradient, times the parameter. Default 0. */
  readonly weightDecay: number;
}

export interface AdamSettings {
  /** Decay of the running mean of the gradient and of its square, each 0 ≤ β < 1. Default [0.9, 0.999]. */
  readonly betas: readonly [number, number];
  /** Added to the denominator. Default 1e-8. */
  readonly eps: number;
  /** adam: added to the gradient, default 0; adamW: taken off the parameter (decoupled), default 0.01. */
  readonly weightDecay: number;
}

export type OptimizerOptions<Settings> = Partial<Settings> & {
  /** Groups with settings of their own, or a division of the parameters, such as `splitLayers(2)`. Default one group. */
  readonly groups?: readonly GroupOption<Settings>[] | Splitter;
};

/** Stochastic gradient descent, with PyTorch's definitions of momentum, dampening and nesterov. */
export function sgd(options: OptimizerOptions<SgdSettings> = {}): OptFunc {
  return optimizerFactory('sgd', { momentum: 0, dampening: 0, weightDecay: 0, nesterov: false }, options);
}

/** RMSProp (Hinton, 2012), as PyTorch has it. */
export function rmsprop(options: OptimizerOptions<RmspropSettings> = {}): OptFunc {
  const defaults = { alpha: 0.99, eps: 1e-8, momentum: 0, centered: false, weightDecay: 0 };
  return optimizerFactory('rmsprop', defaults, options);
}

/** Adam (Kingma and Ba, 2015), weight decay in the gradient. */
export function adam(options: OptimizerOptions<AdamSettings> = {}): OptFunc {
  return optimizerFactory('adam', { betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0 }, options);
}

/** Adam with decoupled weight decay (Loshchilov and Hutter, 2019). */
export function adamW(options: OptimizerOptions<AdamSettings> = {}): OptFunc {
  return optimizerFactory('adamw', { betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0.01 }, options);
}

/**
 * One of the recipe's own `optimizers`.
 *
 * @param name its name there
 * @param options its settings, which it gets at every step: numbers, strings, true, false, lists or records of
 *   them; and `groups`
 */
export function recipeOptimizer(
  name: string,
  options: OptimizerOptions<Readonly<Record<string, unknown>>> = {},
): OptFunc {
  return optimizerFactory(name, {}, options);
}

/**
 * Checks all options at once, so that a mistake is told before anything is started.
 *
 * @throws ConfigError
 */
export function optimizerFactory<Settings extends object>(
  kind: OptimizerKind,
  defaults: Settings,
  { groups = [], ...options }: OptimizerOptions<Settings>,
): OptFunc {
  const shared = { ...defaults, ...options } as Settings;
  checkSettings(kind, { lr: 0, ...shared }, kind);
  if ('lr' in options)
    throw new ConfigError(`${kind} takes no lr of its own.`, {
      where: kind,
      hint: 'give it to new Learner or to fit; a group may have one',
    });
  const own = typeof groups === 'function' ? [] : groups;
  const settingsOf = own.map(({ match: _, ...ownSettings }, index) => {
    const settings = { ...shared, ...ownSettings };
    checkSettings(kind, { lr: 0, ...settings }, `${kind} groups[${index}]`);
    return settings;
  });
  const split = typeof groups === 'function' ? groups : splitByMatch(own);
  const ownRate = own.some(({ lr }) => lr !== undefined);

  return (parameters, lr) => {
    if (ownRate && typeof lr !== 'number')
      throw new ConfigError('Rates are given twice: by the groups of the optimizer, and one by one.', {
        where: 'lr',
        hint: 'take lr out of the groups, or give one number for those that have none',
      });
    const members = split(parameters);
    const rates = ratesOf(lr, members.length);
    const paramGroups: ParamGroup[] = members.map((params, index) => ({
      params,
      lr: rates[index],
      ...structuredClone(settingsOf[index] ?? shared),
    }));
    for (const [index, { params: _, ...settings }] of paramGroups.entries())
      checkSettings(kind, settings, `${kind} paramGroups[${index}]`);
    return new Optimizer(kind, paramGroups);
  };
}
