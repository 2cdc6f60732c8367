/**
 * Optimizer steps over flat float32 buffers: one tight loop per parameter, moments allocated once. The update
 * rules are PyTorch's (torch.optim.SGD, Adam, AdamW), so that settings carry over.
 */
import { type FlatMath, hostFlatMath } from '../engine/flat-math.js';
import { ConfigError } from '../errors.js';
import type { GroupSettings, OptimizerKind, OptimizerSpec, ParameterInfo } from '../protocol/optimizer.js';
import { AdamRule } from './adam.js';
import { SgdRule } from './sgd.js';
import type { OptimizerBuffers, UpdateRule } from './update-rule.js';

export interface Optimizer {
  readonly kind: OptimizerKind;
  /** Steps taken so far; settable, for a resume. */
  steps: number;
  readonly buffers: OptimizerBuffers;
  /**
   * Updates `values` in place.
   *
   * @param groups one per group of the spec
   * @throws ConfigError when their number differs
   */
  step(values: Float32Array, grads: Float32Array, groups: readonly GroupSettings[]): void;
  dispose(): void;
}

const rules: Record<OptimizerKind, (length: number, math?: FlatMath) => UpdateRule> = {
  sgd: (length, math) => new SgdRule(length, math),
  adam: (length, math) => new AdamRule(length, { decoupledDecay: false }, math),
  adamw: (length, math) => new AdamRule(length, { decoupledDecay: true }, math),
};

/**
 * @param math an engine's own loops
 * @throws ConfigError when the spec names a parameter twice or one that is not there
 */
export function createOptimizer(
  spec: OptimizerSpec,
  parameters: readonly ParameterInfo[],
  math: FlatMath = hostFlatMath,
): Optimizer {
  checkGroups(spec, parameters);
  const length = parameters.reduce((end, { offset, size }) => Math.max(end, offset + size), 0);
  let rule = rules[spec.kind](length, math);
  return {
    kind: spec.kind,
    steps: 0,
    get buffers() {
      return rule.buffers;
    },
    step(values, grads, groups) {
      if (groups.length !== spec.groups.length) {
        throw new ConfigError(
          `The optimizer has ${spec.groups.length} parameter groups, but got settings for ${groups.length}.`,
          { where: 'optimizer step', hint: 'Give one GroupSettings per group, in the order of the groups.' },
        );
      }
      this.steps++;
      groups.forEach((settings, group) => {
        for (const index of spec.groups[group]) {
          const { offset, size } = parameters[index];
          rule.update(values, grads, offset, offset + size, settings, this.steps);
        }
      });
    },
    dispose() {
      rule = rules[spec.kind](0);
    },
  };
}

function checkGroups({ kind, groups }: OptimizerSpec, parameters: readonly ParameterInfo[]): void {
  if (!(kind in rules)) {
    throw new ConfigError(`There is no optimizer "${kind}".`, {
      where: 'optimizer',
      hint: `Use one of: ${Object.keys(rules).join(', ')}.`,
    });
  }
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
