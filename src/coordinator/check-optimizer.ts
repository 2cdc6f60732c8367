import { ConfigError } from '../errors.js';
import type { ReadyReport } from '../protocol/messages.js';
import { builtInOptimizers, type OptimizerSpec } from '../protocol/optimizer.js';

/** @throws ConfigError for a name that every replica would refuse: an error there would end the run */
export function checkOptimizer(
  { kind }: OptimizerSpec,
  { optimizers }: Pick<ReadyReport, 'optimizers'>,
): void {
  const names: readonly string[] = [...builtInOptimizers, ...optimizers];
  if (names.includes(kind)) return;
  throw new ConfigError(`There is no optimizer "${kind}".`, {
    where: 'optimizer',
    hint: `use ${names.join(', ')}, or give the recipe one of that name`,
  });
}
