/**
 * Optimizer steps over flat float32 buffers: one tight loop per parameter, moments allocated once. The update
 * rules are PyTorch's (torch.optim.SGD, RMSprop, Adam, AdamW), so that settings carry over; beside them stand
 * those of the lessons and a recipe's own.
 */
import { type FlatMath, hostFlatMath } from '../engine/flat-math.js';
import { ConfigError } from '../errors.js';
import type {
  BuiltInOptimizer,
  GroupSettings,
  OptimizerSpec,
  OptimizerState,
  ParameterInfo,
} from '../protocol/optimizer.js';
import { AdamRule } from './adam.js';
import { LessonAdamRule, LessonMomentumRule, LessonRmspropRule, LessonSgdRule } from './lesson-rules.js';
import { type OwnOptimizer, OwnRule } from './own-rule.js';
import { RmspropRule } from './rmsprop.js';
import { SgdRule } from './sgd.js';
import type { OptimizerBuffers, UpdateRule } from './update-rule.js';

export interface Optimizer {
  readonly spec: OptimizerSpec;
  /** Steps taken so far by each group. */
  readonly steps: readonly number[];
  /** Moments by name, each as long as the flat parameter buffer. */
  readonly buffers: OptimizerBuffers;
  /**
   * Updates `values` in place. Frozen groups stand still: values, moments and count of steps.
   *
   * @param groups one per group of the spec
   * @throws ConfigError when their number differs
   */
  step(values: Float32Array, grads: Float32Array, groups: readonly GroupSettings[]): void;
  /** What it remembers: views that the next step changes, not copies. */
  state(): OptimizerState;
  /**
   * Copies a state into this optimizer.
   *
   * @throws ConfigError when kind, groups, or names or lengths of the buffers are not this optimizer's
   */
  restore(state: OptimizerState): void;
  dispose(): void;
}

type MakeRule = (length: number, math?: FlatMath) => UpdateRule;

const rules: Record<BuiltInOptimizer, MakeRule> = {
  sgd: (length, math) => new SgdRule(length, math),
  rmsprop: length => new RmspropRule(length),
  adam: (length, math) => new AdamRule(length, { decoupledDecay: false }, math),
  adamw: (length, math) => new AdamRule(length, { decoupledDecay: true }, math),
  lessonSgd: () => new LessonSgdRule(),
  lessonMomentum: length => new LessonMomentumRule(length),
  lessonRmsprop: length => new LessonRmspropRule(length),
  lessonAdam: length => new LessonAdamRule(length),
};

/**
 * @param math an engine's own loops
 * @param own the recipe's optimizers, by name
 * @throws ConfigError when there is no such optimizer, or the spec names a parameter twice or one that is not there
 */
export function createOptimizer(
  spec: OptimizerSpec,
  parameters: readonly ParameterInfo[],
  math: FlatMath = hostFlatMath,
  own: Readonly<Record<string, OwnOptimizer>> = {},
): Optimizer {
  const makeRule = ruleMaker(spec.kind, own);
  checkGroups(spec, parameters);
  const length = parameters.reduce((end, { offset, size }) => Math.max(end, offset + size), 0);
  const steps = spec.groups.map(() => 0);
  let rule = makeRule(length, math);
  return {
    spec,
    steps,
    get buffers() {
      return rule.buffers;
    },
    step(values, grads, groups) {
      checkCount(spec, groups);
      groups.forEach((settings, group) => {
        if (settings.frozen) return;
        steps[group]++;
        for (const index of spec.groups[group]) {
          const { offset, size } = parameters[index];
          rule.update(values, grads, offset, offset + size, settings, steps[group]);
        }
      });
    },
    state: () => ({ spec, steps: [...steps], buffers: rule.buffers }),
    restore(state) {
      checkState(state, spec, rule.buffers);
      for (const [name, buffer] of Object.entries(rule.buffers)) buffer.set(state.buffers[name]);
      state.steps.forEach((count, group) => {
        steps[group] = count;
      });
    },
    dispose() {
      rule = makeRule(0);
    },
  };
}

function ruleMaker(kind: string, own: Readonly<Record<string, OwnOptimizer>>): MakeRule {
  if (Object.hasOwn(rules, kind)) return rules[kind as BuiltInOptimizer];
  if (Object.hasOwn(own, kind)) return length => new OwnRule(length, kind, own[kind]);
  throw new ConfigError(`There is no optimizer "${kind}".`, {
    where: 'optimizer',
    hint: `Use one of: ${[...Object.keys(rules), ...Object.keys(own)].join(', ')}; others are a recipe's own.`,
  });
}

function checkGroups({ groups }: OptimizerSpec, parameters: readonly ParameterInfo[]): void {
  const seen = new Set<number>();
  for (const index of groups.flat()) {
    const parameter = parameters[index];
    if (parameter && !seen.has(index)) seen.add(index);
    else {
      const fault = parameter ? 'is in two groups' : `does not exist: the model has ${parameters.length}`;
      throw new ConfigError(`Parameter ${parameter?.name ?? index} ${fault}.`, {
        where: 'optimizer groups',
        hint: 'Each index of a group is a position in the list of trainable parameters, used once.',
      });
    }
  }
}

function checkCount(spec: OptimizerSpec, groups: readonly GroupSettings[]): void {
  if (groups.length === spec.groups.length) return;
  throw new ConfigError(
    `The optimizer has ${spec.groups.length} parameter groups, but got settings for ${groups.length}.`,
    { where: 'optimizer step', hint: 'Give one GroupSettings per group, in the order of the groups.' },
  );
}

/** Refuses a state before any of it is copied. */
function checkState(state: OptimizerState, spec: OptimizerSpec, buffers: OptimizerBuffers): void {
  const refuse = (what: string): never => {
    throw new ConfigError(`The state is not this optimizer's: ${what}.`, {
      where: 'optimizer state',
      hint: 'Make the optimizer with the same kind and groups as the one whose state it is.',
    });
  };
  if (state.spec.kind !== spec.kind) refuse(`it is of ${state.spec.kind}, this is ${spec.kind}`);
  const groupsOf = ({ groups }: OptimizerSpec) => JSON.stringify(groups);
  if (groupsOf(state.spec) !== groupsOf(spec)) refuse('its groups hold other parameters');
  const counted = state.steps.length === spec.groups.length;
  if (!counted || state.steps.some(count => !Number.isInteger(count) || count < 0))
    refuse(`its counts of steps are [${state.steps}], for ${spec.groups.length} groups`);
  for (const [name, { length }] of Object.entries(buffers)) {
    const given = state.buffers[name]?.length;
    if (given !== length) refuse(`${name} has ${given ?? 'no'} numbers, not ${length}`);
  }
}
