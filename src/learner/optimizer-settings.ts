import { ConfigError } from '../errors.js';
import type { BuiltInOptimizer, GroupSettings, OptimizerKind } from '../protocol/optimizer.js';

const atLeastZero = (value: unknown): boolean => Number.isFinite(value) && (value as number) >= 0;
const decay = (value: unknown): boolean => atLeastZero(value) && (value as number) < 1;
const boolean = (value: unknown): boolean => typeof value === 'boolean';

/** What each setting must be, in words and as a test. The ranges are PyTorch's. */
const rules: Readonly<Record<string, readonly [string, (value: unknown) => boolean]>> = {
  lr: ['a finite number ≥ 0', atLeastZero],
  frozen: ['true or false', boolean],
  weightDecay: ['a finite number ≥ 0', atLeastZero],
  momentum: ['a finite number ≥ 0', atLeastZero],
  dampening: ['a finite number', Number.isFinite],
  nesterov: ['true or false', boolean],
  betas: [
    'two numbers, each 0 ≤ β < 1',
    (value: unknown) => Array.isArray(value) && value.length === 2 && value.every(decay),
  ],
  eps: ['a finite number ≥ 0', atLeastZero],
  alpha: ['a number, 0 ≤ alpha < 1', decay],
  centered: ['true or false', boolean],
};

const shared = ['lr', 'frozen', 'weightDecay'];
const adamNames = [...shared, 'betas', 'eps'];
const known: Readonly<Record<BuiltInOptimizer, readonly string[]>> = {
  sgd: [...shared, 'momentum', 'dampening', 'nesterov'],
  rmsprop: [...shared, 'alpha', 'eps', 'momentum', 'centered'],
  adam: adamNames,
  adamw: adamNames,
  lessonSgd: shared,
  lessonMomentum: [...shared, 'momentum'],
  lessonRmsprop: [...shared, 'alpha', 'eps'],
  lessonAdam: adamNames,
};

/** Whether values of this type can go to the replicas. */
const isData = (value: unknown): boolean => {
  if (typeof value !== 'object' || value === null)
    return value === null || ['number', 'boolean', 'string'].includes(typeof value);
  return Object.values(value).every(isData);
};

/**
 * Checks the settings of one group.
 * @param where what to name in the error, such as `sgd groups[1]`
 * @throws ConfigError
 */
export function checkSettings(kind: OptimizerKind, settings: object, where: string): void {
  const names = Object.hasOwn(known, kind) ? known[kind as BuiltInOptimizer] : undefined;
  for (const [name, value] of Object.entries(settings)) {
    if (names && !names.includes(name))
      throw new ConfigError(`${kind} has no setting ${name}.`, {
        where,
        hint: `it has ${names.join(', ')}`,
      });
    // What a setting of a recipe's own optimizer means is the recipe's, but for those that all have.
    const rule = names || shared.includes(name) ? rules[name] : undefined;
    const [expected, holds] = rule ?? [
      'data: numbers, strings, true, false, lists or records of them',
      isData,
    ];
    if (!holds(value)) throw new ConfigError(`${name} must be ${expected}, not ${String(value)}.`, { where });
  }
  const { nesterov, momentum = 0, dampening = 0 } = settings as Partial<GroupSettings>;
  if (kind === 'sgd' && nesterov && (momentum <= 0 || dampening !== 0))
    throw new ConfigError('nesterov needs a momentum above 0 and a dampening of 0.', { where });
}
