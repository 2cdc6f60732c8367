import { ConfigError } from '../errors.js';
import type { GroupSettings, OptimizerKind } from '../protocol/optimizer.js';

const atLeastZero = (value: unknown): boolean => Number.isFinite(value) && (value as number) >= 0;
const decay = (value: unknown): boolean => atLeastZero(value) && (value as number) < 1;

/** What each setting must be, in words and as a test. The ranges are PyTorch's. */
const rules = {
  lr: ['a finite number ≥ 0', atLeastZero],
  weightDecay: ['a finite number ≥ 0', atLeastZero],
  momentum: ['a finite number ≥ 0', atLeastZero],
  dampening: ['a finite number', Number.isFinite],
  nesterov: ['true or false', (value: unknown) => typeof value === 'boolean'],
  betas: [
    'two numbers, each 0 ≤ β < 1',
    (value: unknown) => Array.isArray(value) && value.length === 2 && value.every(decay),
  ],
  eps: ['a finite number ≥ 0', atLeastZero],
} as const satisfies Record<keyof GroupSettings, readonly [string, (value: unknown) => boolean]>;

const adamNames = ['lr', 'weightDecay', 'betas', 'eps'] as const;
const known: Record<OptimizerKind, readonly (keyof GroupSettings)[]> = {
  sgd: ['lr', 'weightDecay', 'momentum', 'dampening', 'nesterov'],
  adam: adamNames,
  adamw: adamNames,
};

/**
 * Checks the settings of one group.
 * @param where what to name in the error, such as `sgd groups[1]`
 * @throws ConfigError
 */
export function checkSettings(kind: OptimizerKind, settings: object, where: string): void {
  for (const [name, value] of Object.entries(settings)) {
    if (!(known[kind] as readonly string[]).includes(name))
      throw new ConfigError(`${kind} has no setting ${name}.`, {
        where,
        hint: `it has ${known[kind].join(', ')}`,
      });
    const [expected, holds] = rules[name as keyof GroupSettings];
    if (!holds(value)) throw new ConfigError(`${name} must be ${expected}, not ${String(value)}.`, { where });
  }
  const { nesterov, momentum = 0, dampening = 0 } = settings as Partial<GroupSettings>;
  if (nesterov && (momentum <= 0 || dampening !== 0))
    throw new ConfigError('nesterov needs a momentum above 0 and a dampening of 0.', { where });
}
