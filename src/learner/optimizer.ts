import { ConfigError } from '../errors.js';
import type { GroupSettings, OptimizerKind, OptimizerSpec, ParameterInfo } from '../protocol/optimizer.js';
import { checkSettings } from './optimizer-settings.js';

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

  constructor(kind: OptimizerKind, paramGroups: ParamGroup[]) {
    this.kind = kind;
    this.paramGroups = paramGroups;
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
      return settings;
    });
  }
}

/** Makes the optimizer of a fit; `lr` is the rate of every group that names none. */
export type OptFunc = (parameters: readonly ParameterInfo[], lr: number) => Optimizer;

/** Parameters that differ from the rest in some settings. First match wins. */
export type GroupOption<Settings> = Partial<Settings> & {
  /** Tested against the parameter's name, such as `conv2d_1/kernel`; or a predicate. */
  readonly match: RegExp | ((parameter: ParameterInfo) => boolean);
  readonly lr?: number;
};

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

export interface AdamSettings {
  /** Decay of the running mean of the gradient and of its square, each 0 ≤ β < 1. Default [0.9, 0.999]. */
  readonly betas: readonly [number, number];
  /** Added to the denominator. Default 1e-8. */
  readonly eps: number;
  /** adam: added to the gradient, default 0; adamW: taken off the parameter (decoupled), default 0.01. */
  readonly weightDecay: number;
}

export type OptimizerOptions<Settings> = Partial<Settings> & {
  readonly groups?: readonly GroupOption<Settings>[];
};

/** Stochastic gradient descent, with PyTorch's definitions of momentum, dampening and nesterov. */
export function sgd(options: OptimizerOptions<SgdSettings> = {}): OptFunc {
  return factory('sgd', { momentum: 0, dampening: 0, weightDecay: 0, nesterov: false }, options);
}

/** Adam (Kingma and Ba, 2015), weight decay in the gradient. */
export function adam(options: OptimizerOptions<AdamSettings> = {}): OptFunc {
  return factory('adam', { betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0 }, options);
}

/** Adam with decoupled weight decay (Loshchilov and Hutter, 2019). */
export function adamW(options: OptimizerOptions<AdamSettings> = {}): OptFunc {
  return factory('adamw', { betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0.01 }, options);
}

/** Checks all options at once, so that a mistake is told before anything is started. */
function factory<Settings extends object>(
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
  const settingsOf = groups.map(({ match: _, ...own }, index) => {
    const settings = { ...shared, ...own };
    checkSettings(kind, { lr: 0, ...settings }, `${kind} groups[${index}]`);
    return settings;
  });

  return (parameters, lr) => {
    const members = splitParameters(parameters, groups);
    const paramGroups = members.map((params, index) => ({
      params,
      lr,
      ...structuredClone(settingsOf[index] ?? shared),
    }));
    for (const [index, { params: _, ...settings }] of paramGroups.entries())
      checkSettings(kind, settings, `${kind} paramGroups[${index}]`);
    return new Optimizer(kind, paramGroups);
  };
}

/** Indices of the parameters of each group, and of the rest if there are any. */
function splitParameters(
  parameters: readonly ParameterInfo[],
  groups: readonly { match: RegExp | ((parameter: ParameterInfo) => boolean) }[],
): number[][] {
  const members: number[][] = groups.map(() => []);
  const rest: number[] = [];
  parameters.forEach((parameter, index) => {
    const home = groups.findIndex(({ match }) =>
      // search, unlike test, has no memory of where a global pattern matched last.
      typeof match === 'function' ? match(parameter) : parameter.name.search(match) >= 0,
    );
    (members[home] ?? rest).push(index);
  });
  const empty = members.findIndex(params => params.length === 0);
  if (empty >= 0)
    throw new ConfigError(`groups[${empty}] matches no parameter that an earlier group has not taken.`, {
      where: `match: ${groups[empty].match}`,
      hint: `the parameters are ${parameters.map(({ name }) => name).join(', ')}`,
    });
  return rest.length > 0 ? [...members, rest] : members;
}
